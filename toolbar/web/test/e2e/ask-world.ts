import { type Settings, type Target, World } from './world.js'

/** A world in which sessions on two assets need the agreement of an owner, one of them also that of the desk, and of an owner to last longer. */
export class AskWorld extends World {
  protected override async settings(t: Target): Promise<Settings> {
    const s = await super.settings(t)
    const levels = [
      { name: 'Owners', approvers: ['user:mia'] },
      { name: 'Security desk', approvers: ['user:otto', 'user:nils'] },
    ]
    s.workflows = [
      { id: 'two', name: 'Two levels', longest: '4h', ticket: true, levels },
      { id: 'quick', name: 'One level', longest: '1h', levels: levels.slice(0, 1) },
    ]
    s.selectors = [
      {
        id: 'ask',
        on: 'shell',
        to: ['group:operators'],
        form: 'interactive',
        workflow: 'two',
        exclusive: 'optional',
        operations: ['asset.access'],
      },
      {
        id: 'ask-plain',
        on: 'plain',
        to: ['group:operators'],
        form: 'interactive',
        workflow: 'quick',
        operations: ['asset.access'],
      },
      {
        id: 'extend',
        on: 'shell',
        to: ['group:operators'],
        form: 'interactive',
        workflow: 'quick',
        operations: ['session.extend'],
      },
    ]
    return s
  }
}
