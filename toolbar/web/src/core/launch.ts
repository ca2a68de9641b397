// The launcher's parameters (L3): read from the gateway, checked as the gateway will.
import { type Code, parseObject } from './types.js'

/** One launch parameter, with the value to begin with. */
export interface Param {
  name: string
  label: string
  kind: 'text' | 'int' | 'choice' | 'bool'
  default: string
  value: string
  choices: { value: string; label: string }[]
  min: number
  max: number
  /** The policy fixes the value: it is shown and cannot be changed (L3). */
  pinned: boolean
  /** The policy denies what it is for: it is shown as off or empty, and cannot be changed. */
  denied: boolean
}

/** What a user may do on an asset now. */
export interface Access {
  asset: { id: string; name: string; protocol: string; url: string }
  code: Code
  recorded: boolean
  params: Param[]
  remembered: boolean
  /** How approval is asked for, where the code is request_required. */
  workflow?: Workflow
  /** The request by which access is allowed, or that is waited for. */
  request?: { id: string; state: string }
}

/** Who decides about a request, and what it must or may say. */
export interface Workflow {
  name: string
  levels: { name: string; required: number }[]
  /** The longest time that can be asked for, in seconds. */
  longest: number
  /** A ticket must be named. */
  ticket: boolean
  exclusive: 'unavailable' | 'optional' | 'required'
  /** An approval is good for one session. */
  once: boolean
}

/** The longest text where the schema names no length, in bytes. */
const MAX_TEXT = 256

const str = (v: unknown): string => (typeof v === 'string' ? v : '')
const int = (v: unknown): number => (typeof v === 'number' && Number.isInteger(v) ? v : 0)
const object = (v: unknown): Record<string, unknown> | undefined =>
  typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Record<string, unknown>) : undefined
const list = (v: unknown): Record<string, unknown>[] =>
  Array.isArray(v) ? v.filter((x): x is Record<string, unknown> => typeof x === 'object' && x !== null) : []

function parseWorkflow(w: Record<string, unknown>): Workflow {
  return {
    name: str(w.name),
    levels: list(w.levels).map((l) => ({ name: str(l.name), required: Math.max(1, int(l.required)) })),
    longest: Math.max(60, int(w.longest_seconds)),
    ticket: w.ticket === true,
    exclusive: w.exclusive === 'optional' || w.exclusive === 'required' ? w.exclusive : 'unavailable',
    once: w.once === true,
  }
}

/** Reads the answer of GET api/asset/{id}/access. */
export function parseAccess(text: string): Access | undefined {
  const o = parseObject(text)
  const workflow = object(o?.workflow)
  const request = object(o?.request)
  const asset = o && typeof o.asset === 'object' && o.asset !== null ? (o.asset as Record<string, unknown>) : undefined
  if (!o || !asset) return undefined
  return {
    asset: { id: str(asset.id), name: str(asset.name), protocol: str(asset.protocol), url: str(asset.url) },
    code: str(o.code),
    recorded: o.recorded === true,
    remembered: o.remembered === true,
    ...(workflow ? { workflow: parseWorkflow(workflow) } : {}),
    ...(request ? { request: { id: str(request.id), state: str(request.state) } } : {}),
    params: list(o.params).map((p) => ({
      name: str(p.name),
      label: str(p.label) || str(p.name),
      kind: p.kind === 'int' || p.kind === 'choice' || p.kind === 'bool' ? p.kind : 'text',
      default: str(p.default),
      value: str(p.value),
      choices: list(p.choices).map((c) => ({ value: str(c.value), label: str(c.label) || str(c.value) })),
      min: int(p.min),
      max: int(p.max),
      pinned: p.pinned === true,
      denied: p.denied === true,
    })),
  }
}

/** Whether a parameter is the policy's: nobody can change it. */
export function fixed(p: Param): boolean {
  return p.pinned || p.denied
}

/** What is wrong with a value. */
export type Fault = 'not_a_number' | 'out_of_range' | 'too_long' | 'not_a_choice' | 'control_characters'

/** Checks one value as the gateway will, so that a fault shows before it is sent. The gateway decides. */
export function check(p: Param, value: string, utf8Length: (s: string) => number): Fault | undefined {
  switch (p.kind) {
    case 'int': {
      if (!/^-?\d{1,15}$/.test(value)) return 'not_a_number'
      const n = Number(value)
      return n < p.min || n > p.max ? 'out_of_range' : undefined
    }
    case 'choice':
      return p.choices.some((c) => c.value === value) ? undefined : 'not_a_choice'
    case 'bool':
      return value === 'true' || value === 'false' ? undefined : 'not_a_choice'
    case 'text':
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      if (/[\x00-\x1f\x7f]/.test(value)) return 'control_characters'
      return utf8Length(value) > (p.max || MAX_TEXT) ? 'too_long' : undefined
    default:
      return p.kind satisfies never
  }
}
