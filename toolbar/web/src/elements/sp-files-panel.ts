import { html, nothing, type PropertyValues } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import { arrange, type Folder, sendable, showSize, showSpan, type TargetFile, way, within } from '../core/files.js'
import { Refused } from '../core/gateway.js'
import type { Capabilities } from '../core/types.js'
import { codeText, locale, t } from '../i18n/index.js'
import type { FilesClient } from '../net/files.js'
import { SpElement } from './base.js'
import type { FileWork, Job } from './file-work.js'
import { type IconName, icon } from './icons.js'
import { filesStyles } from './sp-files-panel.styles.js'
import { panelStyles } from './sp-toolbar.styles.js'

/** The most that the list shows: more would not be looked through. */
const SHOWN = 2000

const marks: Readonly<Record<TargetFile['kind'], IconName>> = {
  file: 'file',
  folder: 'folder',
  link: 'link',
  other: 'file',
}

/** What is being typed: the name of a new folder, or another one for a file. */
type Form = { what: 'folder' } | { what: 'rename'; name: string }

/**
 * The file panel (I11, I12): the target's folders, and what is carried from and to them.
 *
 * @fires sp-panel-close - the user closes the panel; detail: whether by a key
 */
export class SpFilesPanel extends SpElement {
  static override styles = [SpElement.styles, panelStyles, filesStyles]
  static override properties = {
    files: { attribute: false },
    work: { attribute: false },
    capabilities: { attribute: false },
    assetName: { attribute: false },
    folder: { state: true },
    loading: { state: true },
    fault: { state: true },
    hiddenToo: { state: true },
    picked: { state: true },
    form: { state: true },
    asking: { state: true },
    over: { state: true },
  }
  declare files: FilesClient
  declare work: FileWork
  declare capabilities: Capabilities
  declare assetName: string
  declare private folder: Folder | undefined
  declare private loading: boolean
  declare private fault: string
  declare private hiddenToo: boolean
  declare private picked: ReadonlySet<string>
  declare private form: Form | undefined
  declare private asking: boolean
  declare private over: boolean
  #current = '' // the name that the tab key leads to
  #asked: ReadonlySet<number> = new Set() // the transfers that asked when last drawn
  #reading: AbortController | undefined

  constructor() {
    super()
    this.capabilities = {}
    this.assetName = ''
    this.folder = undefined
    this.loading = false
    this.fault = ''
    this.hiddenToo = false
    this.picked = new Set()
    this.form = undefined
    this.asking = false
    this.over = false
  }

  override focus(): void {
    ;(this.part$('.name[tabindex="0"]') ?? this.part$('.tools button:not(:disabled)'))?.focus()
  }

  override connectedCallback(): void {
    super.connectedCallback()
    const on = { signal: this.live.signal }
    this.work.addEventListener('change', () => this.requestUpdate(), on)
    this.work.addEventListener(
      'arrived',
      (e) => (e as CustomEvent<string>).detail === this.folder?.path && this.#go(),
      on,
    )
    this.addEventListener('keydown', (e) => this.#key(e), on)
    this.addEventListener('dragover', (e) => this.#drag(e), on)
    this.addEventListener('dragleave', (e) => !this.contains(e.relatedTarget as Node | null) && this.#leave(), on)
    this.addEventListener('drop', (e) => this.#drop(e), on)
    this.live.signal.addEventListener('abort', () => this.#reading?.abort())
    if (!this.folder) void this.#go('')
  }

  protected override firstUpdated(_: PropertyValues): void {
    this.setAttribute('role', 'dialog')
    this.setAttribute('aria-label', t('files'))
  }

  // A question that comes up while the panel is used gets the focus on its safe answer; typing is not disturbed.
  protected override updated(): void {
    const asks = this.work.jobs.filter((j) => j.state === 'asks').map((j) => j.key)
    const fresh = asks.some((key) => !this.#asked.has(key))
    this.#asked = new Set(asks)
    if (fresh && this.matches(':focus-within') && !this.form) this.part$('.ask [data-safe]')?.focus()
  }

  get #up(): boolean {
    return 'file_upload' in this.capabilities
  }

  get #down(): boolean {
    return 'file_download' in this.capabilities
  }

  get #delete(): boolean {
    return 'file_delete' in this.capabilities
  }

  get #shown(): TargetFile[] {
    return arrange(this.folder?.files ?? [], this.hiddenToo, locale()).slice(0, SHOWN)
  }

  override render() {
    const recorded = ['file_upload', 'file_download'].some((d) => this.capabilities[d] === 'record')
    return html`<div class="head">
        ${icon('folder')}
        <h2>${t('files')}</h2>
        <span class="sub cut grow" dir="auto">${this.assetName}</span>
        ${recorded ? html`<span class="rec"><span class="dot"></span>${t('files_recorded')}</span>` : nothing}
        <button class="btn ghost icon small" aria-label=${t('close_panel')} title=${t('close_panel')}
          @click=${(e: MouseEvent) => this.#close(e.detail === 0)}>${icon('x')}</button>
      </div>
      ${this.#tools()}${this.form ? this.#formLine(this.form) : nothing}${this.#list()}${this.#actions()}${this.#moves()}
      ${this.over ? html`<div class="over">${t('files_drop')}</div>` : nothing}`
  }

  #tools() {
    const steps = way(this.folder?.path ?? '/')
    const parent = steps.at(-2)
    const shown = steps.length > 4 ? [steps[0], ...steps.slice(-3)] : steps
    return html`<div class="tools">
      <button class="btn ghost icon small" aria-label=${t('files_up')} title=${t('files_up')} ?disabled=${!parent}
        @click=${() => this.#go(parent?.path)}>${icon('arrowUp')}</button>
      <nav class="crumbs" aria-label=${t('files_way')}>
        ${shown.map((s, i) => {
          if (!s) return nothing
          const last = s === steps.at(-1)
          return html`${i > 0 ? icon('right', 'i i-s') : nothing}<button class="cut" dir="auto" title=${s.path}
            aria-current=${last ? 'location' : nothing} @click=${() => this.#go(s.path)}>${s.name}</button>`
        })}
      </nav>
      <span class="grow"></span>
      <label class="check"><input type="checkbox" .checked=${this.hiddenToo} @change=${(e: Event) => this.#setHidden(e)}>${t('files_hidden')}</label>
      <button class="btn ghost icon small" aria-label=${t('files_refresh')} title=${t('files_refresh')} @click=${() => this.#go()}>
        ${this.loading ? html`<span class="spin s"></span>` : icon('refresh')}</button>
      ${
        this.#up
          ? html`<button class="btn small" title=${t('files_new_folder')} @click=${() => this.#open({ what: 'folder' })}>${icon('folderPlus')}<span class="hide">${t('files_new_folder')}</span></button>
              <button class="btn small primary" @click=${() => this.part$<HTMLInputElement>('input[type=file]')?.click()}>${icon('upload')}${t('files_upload')}</button>
              <input type="file" multiple hidden aria-label=${t('files_upload')} @change=${(e: Event) => this.#chosen(e)}>`
          : nothing
      }
    </div>`
  }

  #formLine(form: Form) {
    const label = form.what === 'folder' ? t('files_new_folder') : t('files_rename')
    return html`<form class="form" @submit=${(e: Event) => this.#submit(e, form)}>
      <label for="name">${label}</label>
      <input id="name" dir="auto" maxlength="1024" spellcheck="false" autocomplete="off" .value=${form.what === 'rename' ? form.name : ''}>
      <button class="btn small" type="button" @click=${() => this.#shut()}>${t('cancel')}</button>
      <button class="btn small primary" type="submit">${label}</button>
    </form>`
  }

  #list() {
    const shown = this.#shown
    const fault = this.fault ? codeText(this.fault) : undefined
    return html`<div class="list" aria-busy=${this.loading ? 'true' : 'false'}>
      ${fault ? html`<p class="note danger" role="alert">${icon('warn')}<span>${fault.title}. ${fault.text}</span></p>` : nothing}
      ${this.folder?.truncated || (this.folder?.files.length ?? 0) > SHOWN ? html`<p class="note">${icon('info')}<span>${t('files_truncated', { n: shown.length })}</span></p>` : nothing}
      ${this.folder?.refused ? html`<p class="note warn">${icon('warn')}<span>${t('files_refused', { n: this.folder.refused })}</span></p>` : nothing}
      ${
        shown.length === 0
          ? html`<p class="empty" role="status">${this.folder ? t('files_empty') : this.loading ? t('files_loading') : ''}</p>`
          : html`<table aria-label=${t('files')} @keydown=${(e: KeyboardEvent) => this.#rowKey(e)}>
              <thead><tr><th class="c-box"><span class="vh">${t('files_select')}</span></th><th>${t('files_name')}</th><th class="c-size">${t('files_size')}</th>
                <th class="c-time">${t('files_changed')}</th><th class="c-mode">${t('files_mode')}</th></tr></thead>
              <tbody>${repeat(
                shown,
                (f) => f.name,
                (f) => this.#row(f, shown),
              )}</tbody>
            </table>`
      }
    </div>`
  }

  #row(f: TargetFile, shown: TargetFile[]) {
    const on = this.picked.has(f.name)
    const current = shown.some((s) => s.name === this.#current) ? this.#current : shown[0]?.name
    const tab = f.name === current ? 0 : -1
    return html`<tr class=${on ? 'on' : ''}>
      <td class="c-box"><label class="box"><input type="checkbox" aria-label=${f.name} tabindex=${tab} .checked=${on} @change=${() => this.#pick(f)}></label></td>
      <td><button class="name" tabindex=${tab} title=${f.name} @focus=${() => this.#at(f)} @click=${() => this.#activate(f)}>${icon(marks[f.kind])}<span class="cut" dir="auto">${f.name}</span></button></td>
      <td class="c-size num">${f.kind === 'folder' ? '' : showSize(f.size, locale())}</td>
      <td class="c-time num">${f.modified ? when(f.modified) : ''}</td>
      <td class="c-mode mono">${f.mode}</td>
    </tr>`
  }

  #actions() {
    const files = this.#shown.filter((f) => this.picked.has(f.name))
    if (files.length === 0) return nothing
    const only = files.length === 1 ? files[0] : undefined
    if (this.asking) {
      return html`<div class="picked danger" role="alertdialog" aria-label=${t('files_delete')}>
        <span class="grow cut" dir="auto">${only ? t('files_delete_one', { name: only.name }) : t('files_delete_ask', { n: files.length })}</span>
        <button class="btn small" @click=${() => this.#shut()}>${t('cancel')}</button>
        <button class="btn small danger primary" @click=${() => this.#remove(files)}>${t('files_delete')}</button>
      </div>`
    }
    const plain = files.every((f) => f.kind === 'file' || f.kind === 'link')
    return html`<div class="picked">
      <b>${t('files_selected', { n: files.length })}</b>
      <span class="quiet num">${showSize(
        files.reduce((sum, f) => sum + (f.kind === 'folder' ? 0 : f.size), 0),
        locale(),
      )}</span>
      <span class="grow"></span>
      ${this.#down ? html`<button class="btn small" ?disabled=${!plain} @click=${() => this.#download(files)}>${icon('download')}${t('files_download')}</button>` : nothing}
      ${this.#up ? html`<button class="btn small ghost" ?disabled=${!only} @click=${() => only && this.#open({ what: 'rename', name: only.name })}>${icon('pencil')}${t('files_rename')}</button>` : nothing}
      ${this.#delete ? html`<button class="btn small ghost danger" @click=${() => this.#ask()}>${icon('trash')}${t('files_delete')}</button>` : nothing}
    </div>`
  }

  #moves() {
    const jobs = this.work.jobs
    if (jobs.length === 0) return nothing
    const done = jobs.filter((j) => j.state === 'over').length
    return html`<div class="moves">
      <div class="label">${t('files_transfers')}<span class="opt num">${t('files_done', { n: done, max: jobs.length })}</span>
        ${done > 0 ? html`<button class="btn ghost small" @click=${() => this.work.clear()}>${t('files_clear')}</button>` : nothing}</div>
      <ul>${repeat(
        jobs,
        (j) => j.key,
        (j) => (j.state === 'asks' ? this.#conflict(j) : this.#job(j)),
      )}</ul>
    </div>`
  }

  #conflict(j: Job) {
    return html`<li class="job ask">
      ${icon('warn')}<b class="grow cut" dir="auto">${t('files_exists', { name: j.name })}</b>
      <button class="btn ghost small" @click=${() => this.work.answer(j, 'skip')}>${t('files_skip')}</button>
      <button class="btn small" data-safe @click=${() => this.work.answer(j, 'both')}>${t('files_both')}</button>
      ${this.#delete ? html`<button class="btn small" @click=${() => this.work.answer(j, 'replace')}>${t('files_replace')}</button>` : nothing}
    </li>`
  }

  #job(j: Job) {
    const size = (n: number): string => showSize(n, locale())
    if (j.state === 'over') {
      const good = j.code === 'allowed'
      return html`<li class="job" data-code=${j.code}>
        ${icon(good ? 'checkCircle' : 'warn', good ? 'i ok' : 'i bad')}
        <span class="grow cut" dir="auto" title=${j.name}>${j.name}</span>
        <span class="facts num"><span>${good ? size(j.size) : codeText(j.code).title}</span>
        ${j.sha256 ? html`<span class="mono" title="SHA-256 ${j.sha256}">sha256 ${j.sha256.slice(0, 4)}…${j.sha256.slice(-4)}</span>` : nothing}</span>
        ${good && j.sha256 ? html`<button class="btn ghost icon small" aria-label=${t('files_copy_sum')} title=${t('files_copy_sum')} @click=${() => void navigator.clipboard?.writeText(j.sha256).catch(() => {})}>${icon('copy')}</button>` : nothing}
      </li>`
    }
    const facts = html`<span>${t('files_of', { n: size(j.done), max: size(j.size) })}</span>
      ${j.state === 'broken' ? html`<span role="status">${t('files_broken')}</span>` : nothing}
      ${j.state === 'runs' && j.rate !== undefined ? html`<span>${size(j.rate)}/s</span>` : nothing}
      ${j.state === 'runs' && j.left !== undefined ? html`<span>${t('files_left', { n: showSpan(j.left, locale()) })}</span>` : nothing}`
    return html`<li class="job">
      ${icon(j.direction === 'up' ? 'upload' : 'download', 'i run')}
      <div class="grow">
        <div class="line"><span class="grow cut" dir="auto" title=${j.name}>${j.name}</span><span class="facts num">${facts}</span></div>
        <progress aria-label=${j.name} max=${Math.max(1, j.size)} .value=${j.done}></progress>
      </div>
      <button class="btn ghost icon small" aria-label="${t('files_cancel')}: ${j.name}" title=${t('files_cancel')} @click=${() => this.work.cancel(j)}>${icon('x')}</button>
    </li>`
  }

  /** Reads a folder; without a path, the present one anew. */
  async #go(path = this.folder?.path ?? ''): Promise<void> {
    this.#reading?.abort()
    const reading = new AbortController()
    this.#reading = reading
    this.loading = true
    try {
      const folder = await this.files.list(path, reading.signal)
      if (folder.path !== this.folder?.path) {
        this.picked = new Set()
        this.#current = ''
        this.#shut()
      }
      this.folder = folder
      this.fault = ''
    } catch (err) {
      if (reading.signal.aborted) return
      this.#failed(err)
    }
    this.loading = false
  }

  #failed(err: unknown): void {
    this.fault = err instanceof Refused ? err.code : 'internal'
  }

  #at(f: TargetFile): void {
    this.#current = f.name
    this.requestUpdate()
  }

  // Where a link leads is not told: what is no folder is picked.
  async #activate(f: TargetFile): Promise<void> {
    if (f.kind !== 'folder' && f.kind !== 'link') return this.#pick(f)
    await this.#go(within(this.folder?.path ?? '/', f.name))
    if (f.kind !== 'link' || !this.fault) return
    this.fault = ''
    this.#pick(f)
  }

  #pick(f: TargetFile): void {
    const picked = new Set(this.picked)
    if (!picked.delete(f.name)) picked.add(f.name)
    this.picked = picked
    this.asking = false
  }

  #setHidden(e: Event): void {
    this.hiddenToo = e.target instanceof HTMLInputElement && e.target.checked
  }

  async #open(form: Form): Promise<void> {
    this.form = form
    await this.updateComplete
    const input = this.part$<HTMLInputElement>('#name')
    input?.focus()
    if (form.what === 'rename')
      input?.setSelectionRange(0, form.name.lastIndexOf('.') > 0 ? form.name.lastIndexOf('.') : form.name.length)
  }

  async #ask(): Promise<void> {
    this.asking = true
    await this.updateComplete
    this.part$('.picked button')?.focus() // the safe answer
  }

  #shut(): void {
    const open = this.form !== undefined || this.asking
    this.form = undefined
    this.asking = false
    if (open) void this.updateComplete.then(() => this.focus())
  }

  async #change(done: () => Promise<unknown>): Promise<void> {
    try {
      await done()
      this.picked = new Set()
      this.#shut()
      await this.#go()
    } catch (err) {
      this.#failed(err)
    }
  }

  async #submit(e: Event, form: Form): Promise<void> {
    e.preventDefault()
    const typed = this.part$<HTMLInputElement>('#name')?.value ?? ''
    const folder = this.folder?.path
    if (typed === '' || !folder) return
    // What is renamed is shown in the form that is sent; what is new is as it was typed.
    if (form.what === 'folder') await this.#change(() => this.files.mkdir(within(folder, sendable(typed))))
    else await this.#change(() => this.files.rename(within(folder, form.name), within(folder, typed)))
  }

  async #remove(files: TargetFile[]): Promise<void> {
    const folder = this.folder?.path ?? '/'
    await this.#change(async () => {
      for (const f of files) await this.files.remove(within(folder, f.name))
    })
  }

  #download(files: TargetFile[]): void {
    const folder = this.folder?.path
    if (folder)
      void this.work.download(
        folder,
        files.map((f) => f.name),
      )
    this.picked = new Set()
  }

  #chosen(e: Event): void {
    if (!(e.target instanceof HTMLInputElement) || !this.folder) return
    this.work.upload(this.folder.path, [...(e.target.files ?? [])])
    e.target.value = ''
  }

  #drag(e: DragEvent): void {
    if (!this.#up || !e.dataTransfer?.types.includes('Files')) return
    e.preventDefault()
    e.dataTransfer.dropEffect = 'copy'
    this.over = true
  }

  #leave(): void {
    this.over = false
  }

  // A folder that is dropped has no bytes of its own: it is left out.
  #drop(e: DragEvent): void {
    e.preventDefault()
    this.over = false
    if (!this.#up || !this.folder || !e.dataTransfer) return
    const files: File[] = []
    for (const item of e.dataTransfer.items) {
      const file = item.webkitGetAsEntry()?.isDirectory ? null : item.getAsFile()
      if (file) files.push(file)
    }
    this.work.upload(this.folder.path, files)
  }

  // Esc closes the innermost layer first.
  #key(e: KeyboardEvent): void {
    if (e.key !== 'Escape' || !(this.form || this.asking)) return
    e.stopPropagation()
    e.preventDefault()
    this.#shut()
  }

  #rowKey(e: KeyboardEvent): void {
    const names = [...this.renderRoot.querySelectorAll<HTMLElement>('.name')]
    const at = names.findIndex((n) => n.closest('tr')?.contains(e.target as Node))
    if (at < 0) return
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: names.length - 1 }[e.key]
    if (to === undefined) return
    e.preventDefault()
    e.stopPropagation()
    names[Math.max(0, Math.min(names.length - 1, to))]?.focus()
  }

  #close(byKey: boolean): void {
    this.dispatchEvent(new CustomEvent('sp-panel-close', { detail: byKey }))
  }
}

// A time of this year has no year.
function when(at: Date): string {
  const year = at.getFullYear() === new Date().getFullYear() ? {} : { year: 'numeric' as const }
  return new Intl.DateTimeFormat(locale(), {
    ...year,
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  }).format(at)
}
