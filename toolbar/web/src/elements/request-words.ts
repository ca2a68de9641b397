import type { AccessRequest, RequestState } from '../core/request.js'
import { locale, t } from '../i18n/index.js'
import type { IconName } from './icons.js'

/** A moment as people of the language write it, in the time zone of the browser. */
export function moment(at: string): string {
  const ms = Date.parse(at)
  return Number.isFinite(ms) ? format().format(ms) : ''
}

function format(): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(locale(), {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hour12: false,
  })
}

/** So many seconds in hours, or in minutes if they are no whole ones: "4 hours". */
export function lasting(seconds: number): string {
  const unit = seconds % 3600 === 0 ? 'hour' : 'minute'
  const n = unit === 'hour' ? seconds / 3600 : Math.ceil(seconds / 60)
  return new Intl.NumberFormat(locale(), { style: 'unit', unit, unitDisplay: 'long' }).format(n)
}

/** The time that is asked for, or was granted. */
export function when(r: AccessRequest): string {
  const [from, to] = [Date.parse(r.from), Date.parse(r.to)]
  if (Number.isFinite(from) && Number.isFinite(to) && from <= to) return format().formatRange(from, to)
  return t('rq_from_approval', { time: lasting(r.lasting) })
}

const marks: Readonly<Record<RequestState, [IconName, string]>> = {
  pending: ['clock', 'info'],
  approved: ['check', 'ok'],
  rejected: ['ban', 'danger'],
  expired: ['clock', ''],
  completed: ['check', ''],
  cancelled: ['x', ''],
  revoked: ['ban', 'danger'],
}

/** How a state looks and reads. */
export function stateMark(s: RequestState): { mark: IconName; tone: string; text: string } {
  const [mark, tone] = marks[s]
  return { mark, tone, text: t(`rq_state_${s}`) }
}

/** What a request is for, in words; a name that this client does not know stays as it is. */
export function operation(r: AccessRequest): string {
  switch (r.operation) {
    case 'asset.access':
      return t('access')
    case 'session.extend':
      return t('rq_op_extend')
    case 'session.join':
      return t('rq_op_join')
    case 'recording.play':
      return t('rq_op_play')
    default:
      return r.operation
  }
}

const rights = [
  'keyboard',
  'clipboard_upload',
  'clipboard_download',
  'file_upload',
  'file_download',
  'file_delete',
  'audio',
] as const

/** What a session that is asked for may do, in words. */
export function rightsOf(r: AccessRequest): string {
  const names = rights.filter((name) => name in r.rights).map((name) => t(`right_${name}`))
  return new Intl.ListFormat(locale(), { type: 'unit' }).format(names)
}
