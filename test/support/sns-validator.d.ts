/** The package has no types of its own; the part that a test uses. */
declare module 'sns-validator' {
  export default class MessageValidator {
    validate(message: string, callback: (error: unknown) => void): void
  }
}
