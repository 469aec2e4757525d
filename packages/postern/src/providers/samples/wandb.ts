import { jsonSample, type Sample } from './sample.ts'

/** A payload of the documented variables, each under its own name, and an id as `wandb()` advises. */
function automation(type: string): Sample {
  return jsonSample(type, 'wandb-signature-base64', ({ id }) => ({
    id,
    event_type: type,
    event_author: 'ada',
    project_name: 'sample-project',
    entity_name: 'sample-team',
    artifact_collection_name: 'sample-model',
    artifact_version: 'v0',
    artifact_version_string: 'sample-team/sample-project/sample-model:v0',
  }))
}

export const wandbSamples: readonly Sample[] = [automation('LINK_ARTIFACT'), automation('ADD_ARTIFACT_ALIAS')]
