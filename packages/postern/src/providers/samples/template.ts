import { jsonSample, type Sample } from './sample.ts'

/** An event of the template's kind, of any type. */
export function templateSample(vendor: string, type: string): Sample {
  return jsonSample(type, `${vendor}-template`, ({ id, nowMs }) => ({
    id: `evt_${id}`,
    type,
    data: { resource: { id: `res_${id.slice(0, 8)}`, status: type.split('.')[1] ?? type } },
    created: new Date(nowMs).toISOString(),
  }))
}

/** The template's own three types. */
export function templateSamples(vendor: string): readonly Sample[] {
  return ['resource.created', 'resource.updated', 'resource.deleted'].map((type) =>
    templateSample(vendor, type),
  )
}
