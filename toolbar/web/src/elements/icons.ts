import { nothing } from 'lit'
import { guard } from 'lit/directives/guard.js'
import {
  AppWindow,
  ArrowUp,
  Ban,
  Check,
  ChevronDown,
  ChevronRight,
  ChevronUp,
  CircleCheck,
  Clipboard,
  Clock,
  Copy,
  Download,
  ExternalLink,
  Eye,
  File,
  Folder,
  FolderPlus,
  Gauge,
  type IconNode,
  Info,
  Keyboard,
  Link,
  Lock,
  LogIn,
  Maximize,
  Minimize,
  Minus,
  Monitor,
  Moon,
  Palette,
  PanelsTopLeft,
  Pause,
  Pencil,
  Play,
  Plus,
  Power,
  RefreshCw,
  RotateCcw,
  RotateCw,
  Search,
  Shield,
  ShieldCheck,
  ShieldX,
  SquareTerminal,
  Trash2,
  TriangleAlert,
  Upload,
  Volume2,
  VolumeX,
  WifiOff,
  X,
} from 'lucide'

const icons = {
  arrowUp: ArrowUp,
  back: RotateCcw,
  ban: Ban,
  check: Check,
  checkCircle: CircleCheck,
  clipboard: Clipboard,
  clock: Clock,
  copy: Copy,
  down: ChevronDown,
  download: Download,
  embedded: AppWindow,
  enter: LogIn,
  eye: Eye,
  file: File,
  fill: Maximize,
  folder: Folder,
  folderPlus: FolderPlus,
  forward: RotateCw,
  gauge: Gauge,
  info: Info,
  keyboard: Keyboard,
  link: Link,
  lock: Lock,
  minus: Minus,
  monitor: Monitor,
  moon: Moon,
  mute: VolumeX,
  palette: Palette,
  pause: Pause,
  pencil: Pencil,
  plus: Plus,
  play: Play,
  power: Power,
  refresh: RefreshCw,
  right: ChevronRight,
  search: Search,
  shield: ShieldCheck,
  shieldPlain: Shield,
  shieldX: ShieldX,
  sound: Volume2,
  tab: PanelsTopLeft,
  terminal: SquareTerminal,
  trash: Trash2,
  unfill: Minimize,
  up: ChevronUp,
  upload: Upload,
  warn: TriangleAlert,
  wifiOff: WifiOff,
  window: ExternalLink,
  x: X,
} satisfies Record<string, IconNode>

/** The name of an icon. */
export type IconName = keyof typeof icons

const SVG = 'http://www.w3.org/2000/svg'

/** An icon of 16 pixels. It is decoration: a label or an accessible name stands beside it. */
export function icon(name: IconName | undefined, className = 'i') {
  if (!name) return nothing
  return guard([name, className], () => {
    const svg = document.createElementNS(SVG, 'svg')
    svg.setAttribute('viewBox', '0 0 24 24')
    svg.setAttribute('class', className)
    svg.setAttribute('aria-hidden', 'true')
    for (const [tag, attributes] of icons[name]) {
      const child = document.createElementNS(SVG, tag)
      for (const [key, value] of Object.entries(attributes)) child.setAttribute(key, String(value))
      svg.append(child)
    }
    return svg
  })
}
