/** Which text a message signature is over (RFC 9421 §2), each line written out by hand. */
import { describe, expect, it } from 'vitest'
import { signatureBase } from './signature-base.ts'
import { parseList, type InnerList } from './structured-field.ts'

interface Wishes {
  readonly method?: string
  readonly url?: string
  readonly headers?: readonly string[]
  readonly origin?: string
}

const coveredOf = (text: string): InnerList => parseList(text)![0] as InnerList

function baseOf(covered: string, wishes: Wishes = {}): string | undefined {
  const { method = 'PUT', url = '/hooks/a?x=1&y', headers = ['Host', 'Example.com'], origin } = wishes
  return signatureBase({ method, url, headers, body: new Uint8Array() }, coveredOf(covered), origin)
}

/** The value of the one component that is covered. */
function valueOf(component: string, wishes: Wishes = {}): string | undefined {
  const base = baseOf(`(${component})`, wishes)
  if (base === undefined) return undefined
  const [before, after] = [`${component}: `, `\n"@signature-params": (${component})`]
  expect([base.slice(0, before.length), base.slice(-after.length)]).toEqual([before, after])
  return base.slice(before.length, -after.length)
}

describe('the base', () => {
  it('has a line for each component, and at its end one for what the signature says of itself', () => {
    expect(baseOf('("@method" "host" "@path");created=1;keyid="k"')).toBe(
      [
        '"@method": PUT',
        '"host": Example.com',
        '"@path": /hooks/a',
        '"@signature-params": ("@method" "host" "@path");created=1;keyid="k"',
      ].join('\n'),
    )
    expect(baseOf('()')).toBe('"@signature-params": ()')
  })

  it('covers nothing twice, but a field and a member of it', () => {
    const headers = ['a', 'x=1']
    expect(baseOf('("a" "a")', { headers })).toBeUndefined()
    expect(baseOf('("a";key="x" "a" "a";key="x")', { headers })).toBeUndefined()
    expect(baseOf('("a" "a";key="x" "a";bs)', { headers })).toBeDefined()
  })

  it.each([
    ['a line break', 'a\nb'],
    ['a carriage return', 'a\rb'],
    ['a control character before it', '\u001fa'],
    ['a control character behind it', 'a\u001f'],
    ['a deleted character', 'a\u007f'],
    ['a letter that has several readings', 'é'],
  ])('has no line for a value with %s', (_, value) => {
    expect(baseOf('("a")', { headers: ['a', value] })).toBeUndefined()
    expect(baseOf('("@method")', { method: value })).toBeUndefined()
  })

  it('takes every character that can be printed, and tabs', () => {
    expect(valueOf('"a"', { headers: ['a', '!\t ~'] })).toBe('!\t ~')
    expect(valueOf('"a"', { headers: ['a', ''] })).toBe('')
  })

  it.each([
    '1',
    'host',
    '?1',
    ':AA==:',
    '"@status"',
    '"@unknown"',
    '"@"',
    '""',
    '"@method";req',
    '"@path";bs',
  ])('knows no component %s', (component) => {
    expect(
      baseOf(`(${component})`, { headers: ['host', 'a', '', 'b', '@status', 'c', '1', 'd'] }),
    ).toBeUndefined()
  })
})

describe('what is derived from a request', () => {
  it.each<readonly [string, string | undefined, Wishes]>([
    ['"@method"', 'post', { method: 'post' }],
    ['"@path"', '/hooks/a', {}],
    ['"@path"', '/', { url: '' }],
    ['"@path"', '/', { url: '?a' }],
    ['"@path"', '/', { url: 'https://example.com' }],
    ['"@path"', '/a%20b/', { url: '/a%20b/' }],
    ['"@path"', '/a', { url: '/a?u=http://other.example/b' }],
    ['"@path"', '/a/https://other.example/b', { url: '/a/https://other.example/b' }],
    ['"@query"', '?x=1&y', {}],
    ['"@query"', '?', { url: '/a' }],
    ['"@query"', '?', { url: '/a?' }],
    ['"@query"', '?a?b', { url: '?a?b' }],
    ['"@request-target"', '/hooks/a?x=1&y', {}],
    ['"@request-target"', '/hooks/a?x', { url: 'https://example.com/hooks/a?x' }],
    ['"@request-target"', '/hooks', { url: '/hooks' }],
    ['"@scheme"', 'https', {}],
    ['"@scheme"', 'http', { url: 'HTTP://example.com/' }],
    ['"@scheme"', 'https', { url: 'Https://example.com/' }],
    ['"@scheme"', 'https', { url: 'ftp://example.com/' }],
    ['"@scheme"', 'http', { url: 'https://example.com/', origin: 'http://own.example' }],
    ['"@target-uri"', 'https://example.com/hooks/a?x=1&y', {}],
    ['"@target-uri"', 'http://other.example/?q', { url: 'http://other.example?q' }],
    ['"@target-uri"', 'https://own.example:8443/a', { url: '/a', origin: 'https://own.example:8443' }],
    ['"@target-uri"', undefined, { headers: [] }],
  ])('%s is %s', (component, value, wishes) => {
    expect(valueOf(component, wishes)).toBe(value)
  })

  it.each<readonly [string | undefined, Wishes]>([
    ['example.com', {}],
    ['example.com', { headers: ['HOST', ' EXAMPLE.com:443 '] }],
    ['example.com:80', { headers: ['host', 'example.com:80'] }],
    ['example.com:4430', { headers: ['host', 'example.com:4430'] }],
    ['example.com:443.a', { headers: ['host', 'example.com:443.a'] }],
    ['url.example', { url: 'https://URL.example/a' }],
    ['url.example', { url: 'http://url.example:80' }],
    ['url.example:443', { url: 'http://url.example:443' }],
    ['url.example:8080', { url: 'http://url.example:8080' }],
    ['url.example', { url: 'https://url.example?a' }],
    ['url.example', { url: 'https://url.example#a' }],
    ['own.example', { url: 'http://url.example/', origin: 'https://Own.example:443' }],
    ['own.example', { headers: [], origin: 'https://own.example' }],
    [undefined, { headers: [] }],
    [undefined, { headers: ['host', 'a', 'host', 'a'] }],
  ])('"@authority" is %s', (value, wishes) => {
    expect(valueOf('"@authority"', wishes)).toBe(value)
  })

  it('is there without a host, where the host is not covered', () => {
    expect(valueOf('"@path"', { headers: [] })).toBe('/hooks/a')
  })
})

describe('a field', () => {
  it.each<readonly [string, string | undefined, readonly string[]]>([
    ['"a"', 'b', ['a', 'b']],
    ['"a"', 'b', ['A', 'b']],
    ['"a"', 'b  c', ['a', ' \t b  c\t \t']],
    ['"a"', 'b, c, b', ['a', 'b ', 'other', 'x', 'A', ' c', 'a', 'b']],
    ['"a"', '', ['a', '  ']],
    ['"a"', '', ['a']],
    ['"a"', undefined, ['b', 'a']],
    ['"a"', undefined, ['b', 'a', 'c']],
    ['"!#$%&\'*+.^_`|~09az-"', 'x', ["!#$%&'*+.^_`|~09az-", 'x']],
    ['"A"', undefined, ['A', 'b', 'a', 'b']],
    ['" a"', undefined, [' a', 'b']],
    ['"a "', undefined, ['a ', 'b']],
    ['""', undefined, ['', 'b']],
  ])('%s is %j', (component, value, headers) => {
    expect(valueOf(component, { headers })).toBe(value)
  })

  it.each<readonly [string, string | undefined, readonly string[]]>([
    ['"a";bs', ':YiBj:', ['a', ' b c ']],
    ['"a";bs', ':Yg==:, :6Q==:', ['a', 'b', 'a', '\u00e9']],
    ['"a";bs=?0', undefined, ['a', 'b']],
    ['"a";bs=1', undefined, ['a', 'b']],
    ['"a";sf', undefined, ['a', 'b']],
    ['"a";tr', undefined, ['a', 'b']],
    ['"a";name="b"', undefined, ['a', 'b=1']],
    ['"b";bs', undefined, ['a', 'b']],
    ['"a";bs;key="b"', undefined, ['a', 'b']],
    ['"a";key="b";bs', undefined, ['a', 'b']],
    ['"a";key="b"', '?1', ['a', 'b']],
    ['"a";key="b"', '1;x', ['a', 'b=1;  x']],
    ['"a";key="c"', '(1 2)', ['a', 'b', 'a', 'c=( 1  2 )']],
    ['"a";key="c"', undefined, ['a', 'b']],
    ['"a";key="b"', undefined, ['a', 'b,']],
    ['"a";key=b', undefined, ['a', 'b']],
    ['"a";key', undefined, ['a', '?1']],
  ])('%s is %j', (component, value, headers) => {
    expect(valueOf(component, { headers })).toBe(value)
  })
})

describe('a parameter of the query', () => {
  it.each<readonly [string, string | undefined, string]>([
    ['"@query-param";name="a"', '1', '?a=1&b=2'],
    ['"@query-param";name="a"', '', '?a'],
    ['"@query-param";name=""', '1', '?=1'],
    ['"@query-param";name="a%20b"', 'c%20d', '?a+b=c%20d'],
    ['"@query-param";name="a"', '%21%27%28%29%7E*-._%C3%A9%2F', "?a=!'()~*-._%c3%a9/"],
    ['"@query-param";name="%28a"', '1', '?(a=1'],
    ['"@query-param";name="a"', undefined, '?a=1&a=1'],
    ['"@query-param";name="a"', undefined, '?b=1'],
    ['"@query-param";name="a"', undefined, ''],
    ['"@query-param";name=a', undefined, '?a=1'],
    ['"@query-param";key="a"', undefined, '?a=1'],
    ['"@query-param";name="a";req', undefined, '?a=1'],
    ['"@query-param"', undefined, '?a=1'],
    ['"@query-param"', undefined, '?undefined=1'],
  ])('%s is %s in %s', (component, value, query) => {
    expect(valueOf(component, { url: `/hooks${query}` })).toBe(value)
  })
})

// Before any signature is looked at: whoever sends a request chooses all of this. Read anew for each component, or from each
// space, it takes more than ten seconds here.
describe('a long request is read once', () => {
  const names = Array.from({ length: 260 }, (_, at) => `${String.fromCodePoint(97 + (at % 26))}${at}`)

  it('however much white space stands in a field', { timeout: 5000 }, () => {
    const value = `a${' '.repeat(100_000)}b`
    expect(valueOf('"a"', { headers: ['a', value] })).toBe(value)
  })

  it('however many members of a field are covered', { timeout: 5000 }, () => {
    const covered = `(${names.map((name) => `"a";key="${name}"`).join(' ')})`
    const headers = ['a', `${names.join(',')}${',x'.repeat(300_000)}`]
    expect(baseOf(covered, { headers })!.split('\n').slice(0, -1)).toEqual(
      names.map((name) => `"a";key="${name}": ?1`),
    )
  })

  it('however many parameters of the query are covered', { timeout: 5000 }, () => {
    const covered = `(${names.map((name) => `"@query-param";name="${name}"`).join(' ')})`
    const url = `/?${names.join('&')}${'&x'.repeat(150_000)}`
    expect(baseOf(covered, { url })!.split('\n').slice(0, -1)).toEqual(
      names.map((name) => `"@query-param";name="${name}": `),
    )
  })
})
