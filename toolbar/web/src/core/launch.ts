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
}

/** The longest text where the schema names no length, in bytes. */
const MAX_TEXT = 256

const str = (v: unknown): string => (typeof v === 'string' ? v : '')
const int = (v: unknown): number => (typeof v === 'number' && Number.isInteger(v) ? v : 0)
const list = (v: unknown): Record<string, unknown>[] =>
  Array.isArray(v) ? v.filter((x): x is Record<string, unknown> => typeof x === 'object' && x !== null) : []

/** Reads the answer of GET api/asset/{id}/access. */
export function parseAccess(text: string): Access | undefined {
  const o = parseObject(text)
  const asset = o && typeof o.asset === 'object' && o.asset !== null ? (o.asset as Record<string, unknown>) : undefined
  if (!o || !asset) return undefined
  return {
    asset: { id: str(asset.id), name: str(asset.name), protocol: str(asset.protocol), url: str(asset.url) },
    code: str(o.code),
    recorded: o.recorded === true,
    remembered: o.remembered === true,
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
