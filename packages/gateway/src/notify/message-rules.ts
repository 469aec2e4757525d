import type { MessageRule, SeverityAt, ValueAt } from './message-rule.ts'

/**
 * How each provider's events are told; the first rule that fits counts. Where a vendor documents no type by its slug, the one that
 * receivers have published is taken; `docs/vendors/` says how sure each is. What no rule fits is told by its first fields.
 */
const SUBJECT = { at: 'subject' } as const
const INSTANCE: ValueAt = { at: 'subject', pick: 'number' }

/** Of notifications of one form: a subject and a text, both for people. */
const VASTAI = { provider: 'vastai', title: [SUBJECT], text: [{ at: 'message' }] } as const

const VASTAI_RULES: readonly MessageRule[] = [
  {
    ...VASTAI,
    types: ['instance_offline'],
    severity: 'critical',
    problem: ['instance ', INSTANCE, ' offline'],
  },
  {
    ...VASTAI,
    types: ['instance_online'],
    severity: 'info',
    problem: ['instance ', INSTANCE, ' offline'],
    isEnd: true,
  },
  {
    ...VASTAI,
    types: ['billing_failed', 'machine_offline', 'machine_error', 'storage_full', 'error_msgs'],
    severity: 'critical',
  },
  {
    ...VASTAI,
    types: [
      'outbid',
      'low_credit',
      'upcoming_downtime',
      'maintenance_scheduled',
      'machine_maintenance',
      'low_disk_space',
    ],
    severity: 'warning',
  },
  { ...VASTAI, where: { json: { subject: { exists: true } } }, severity: 'info' },
]

/** Cast AI's own five; `Success` is the end of what a warning began. */
const CASTAI_SEVERITY: SeverityAt = {
  at: 'severity',
  values: { critical: 'critical', error: 'critical', warning: 'warning', info: 'info', success: 'info' },
  otherwise: 'warning',
}
const CASTAI = {
  provider: 'castai-notifications',
  severity: CASTAI_SEVERITY,
  text: [{ at: 'message' }],
  fields: { Cluster: 'cluster.name', Provider: 'cluster.provider', Severity: 'severity' },
} as const
const CLUSTER: ValueAt = { at: ['cluster.id', 'cluster.name'] }

const CASTAI_RULES: readonly MessageRule[] = [
  {
    ...CASTAI,
    where: { json: { name: { startsWith: 'Cost anomaly' } } },
    title: ['Cost: ', { at: 'name' }],
    problem: ['cluster ', CLUSTER, ' ', { at: 'name' }],
  },
  {
    ...CASTAI,
    where: { json: { name: 'Cluster reconciled' } },
    title: [{ at: 'name' }],
    problem: ['cluster ', CLUSTER, ' Failed to reconcile cluster'],
    isEnd: true,
  },
  {
    ...CASTAI,
    where: { any: [{ json: { name: { startsWith: 'Node ' } } }, { json: { name: 'Pending pod detected' } }] },
    title: ['Nodes: ', { at: 'name' }],
    problem: ['cluster ', CLUSTER, ' ', { at: 'name' }],
  },
  {
    ...CASTAI,
    where: { json: { name: { exists: true } } },
    title: [{ at: 'name' }],
    problem: ['cluster ', CLUSTER, ' ', { at: 'name' }],
  },
]

/** The names of its API; of a webhook's body nothing is documented but the subject of a test. */
const COREWEAVE = {
  provider: 'coreweave-alerts',
  text: [{ at: ['description', 'message', 'text'] }],
  fields: { Category: 'category', Severity: 'severity', Node: 'node', Cluster: 'cluster' },
} as const
const ALERT: ValueAt = { at: ['alertName', 'subject', 'title', 'name'] }

const COREWEAVE_RULES: readonly MessageRule[] = [
  { ...COREWEAVE, where: { json: { subject: 'Test Notification' } }, severity: 'info', title: [ALERT] },
  {
    ...COREWEAVE,
    where: {
      any: ['aintenance', 'rain'].map((part) => ({ json: { alertName: { contains: part } } })),
    },
    severity: 'warning',
    title: ['Maintenance: ', ALERT],
  },
  {
    ...COREWEAVE,
    where: { json: { category: { oneOf: ['gpu', 'sunk', 'node'] } } },
    severity: severityWord('warning'),
    title: ['Node trouble: ', ALERT],
  },
  { ...COREWEAVE, severity: severityWord('warning'), title: [ALERT] },
]

const ANIMA = {
  provider: 'anima',
  fields: { Agent: 'agentId', From: 'from', To: 'to', Subject: 'subject' },
} as const

const ANIMA_RULES: readonly MessageRule[] = [
  { ...ANIMA, types: ['message.failed'], severity: 'warning', title: ['A message could not be sent'] },
  { ...ANIMA, types: ['message.received'], severity: 'info', title: ['A message has come'] },
  { ...ANIMA, types: ['message.sent'], severity: 'info', title: ['A message was sent'] },
  { ...ANIMA, types: ['agent.created'], severity: 'info', title: ['An agent was made'] },
]

const GRAFANA = {
  provider: 'grafana',
  title: [{ at: ['title', 'groupKey'] }],
  text: [{ at: 'message' }],
  problem: [{ at: 'groupKey' }],
} as const

/** What CoreWeave's clusters ran before its own alerts. */
const GRAFANA_RULES: readonly MessageRule[] = [
  {
    ...GRAFANA,
    types: ['firing'],
    severity: {
      at: 'commonLabels.severity',
      values: { critical: 'critical', info: 'info' },
      otherwise: 'warning',
    },
  },
  { ...GRAFANA, types: ['resolved'], severity: 'info', isEnd: true },
]

export const MESSAGE_RULES: readonly MessageRule[] = [
  ...VASTAI_RULES,
  ...CASTAI_RULES,
  ...COREWEAVE_RULES,
  ...ANIMA_RULES,
  ...GRAFANA_RULES,
]

function severityWord(otherwise: SeverityAt['otherwise']): SeverityAt {
  return {
    at: 'severity',
    values: {
      critical: 'critical',
      error: 'critical',
      high: 'critical',
      warning: 'warning',
      medium: 'warning',
      low: 'info',
      info: 'info',
    },
    otherwise,
  }
}
