// The English catalogue: the one that all others are translated from. {name} is replaced by a value, as text.

/** What happened, what it means, what to do: one for every code of the gateway. */
export interface CodeText {
  title: string
  text: string
}

export const en = {
  ui: {
    open_toolbar: 'Open the session toolbar, Ctrl+Alt+Shift',
    toolbar: 'Session toolbar',
    recorded: 'This session is recorded',
    rec: 'Rec',
    people_one: '1 person in this session',
    people: '{n} people in this session',
    you: 'you',
    mode_owner: 'owner',
    mode_participate: 'Participate',
    mode_monitor: 'Monitor',
    clipboard: 'Clipboard',
    session_url: 'Session URL',
    disconnect: 'Disconnect',
    close: 'Close',
    dismiss: 'Dismiss',
    close_panel: 'Close, Esc',
    terminal: 'Terminal of {asset}',
    url_copied: 'Session URL copied',
    url_copy_failed: 'The browser refused to copy. The address is in the address bar',
    copied_details: 'Details copied',
    copy_details: 'Copy details',
    copy_denied: 'Copying from this session is not permitted',
    paste_denied: 'Pasting into this session is not permitted',
    paste_too_large: 'Too long to paste: 1 MiB at most',
    paste_not_live: 'Not pasted: the session is not connected',
    pasted: 'Pasted',
    to_session: 'To the session',
    bytes_of: '{n} of {max} bytes',
    paste_here: 'Paste or type text here',
    read_clipboard: 'Read clipboard',
    paste: 'Paste',
    paste_lines: 'Paste {n} lines',
    read_refused:
      'The browser did not let this page read the clipboard. Paste into the field with Ctrl+V, then choose Paste.',
    lines_warning: '{n} lines. The shell runs each line as it arrives, unless it supports bracketed paste.',
    lines_bracketed: '{n} lines. The shell has bracketed paste on and waits for Enter.',
    pastes_recorded: 'Pastes are recorded',
    find: 'Find',
    find_next: 'Next match',
    find_previous: 'Previous match',
    find_none: 'No match',
    connecting_to: 'Connecting to {asset}',
    connecting: 'Connecting',
    protocol_as: '{protocol} session',
    step_checking: 'Checking access',
    step_checked: 'Access checked',
    step_recording: 'Opening the recording',
    step_recording_done: 'Recording opened',
    step_signing_in: 'Signing in to the target',
    step_signed_in: 'Signed in to the target',
    step_first_picture: 'First picture',
    seconds: '{n} s',
    cancel: 'Cancel',
    lost_title: 'Connection lost, trying again',
    lost_text: 'The target keeps running and waits for you for {n} s more. Your input is paused.',
    lost_short: 'Reconnecting. Held for {time}',
    attempt_next: 'Attempt {n}, next in {s} s',
    attempt_now: 'Attempt {n}, under way',
    try_now: 'Try now',
    leave: 'Leave',
    suspended: 'Suspended by an administrator. You can look, not type',
    ending: 'Ending the session',
    take_back: 'Take back',
    start_again: 'Start again',
    back_to_asset: 'Back to the asset',
    reload: 'Reload',
    try_again: 'Try again',
    starting: 'Starting',
    ref: '{protocol} to {asset}, {time}',
    ref_short: '{protocol} to {asset}',
    exit_status: 'Exit status {n}.',
    exit_signal: 'Ended by signal {name}.',
    notice_env: 'The target refused environment variables: {names}',
    notice_denied: 'Not permitted here: {what}',
    access: 'Access',
    access_to: 'Access {asset}',
    loading: 'Loading',
    recorded_short: 'recorded',
    not_recorded: 'not recorded',
    open_in: 'Open in',
    window_tab: 'Tab',
    window_window: 'Window',
    window_embedded: 'Embedded',
    ticket: 'Ticket',
    ticket_hint: 'CHG or INC number',
    reason: 'Reason',
    reason_hint: 'Why you need this session',
    reason_kept: 'Kept with the session and its recording.',
    token: 'MFA token',
    token_hint: 'Six digits from your authenticator. Used once.',
    optional: 'Optional',
    yes: 'Yes',
    no: 'No',
    needs_declaration: 'Your access profile does not permit it: {what}',
    remembered: 'Your settings from last time.',
    defaults: 'Default settings.',
    reset: 'Reset to defaults',
    close_dialog: 'Close',
    popup_blocked: 'The browser blocked the new window.',
    popup_open: 'Open the session',
    popup_hint: 'The session waits for 30 s.',
    fault_not_a_number: 'A whole number, please.',
    fault_out_of_range: 'From {min} to {max}.',
    fault_too_long: 'At most {max} bytes.',
    fault_not_a_choice: 'Not one of the choices.',
    fault_control_characters: 'Line breaks and control characters are not possible here.',
    unreachable: 'The gateway does not answer. Check your connection and try again.',
  },
  /** Labels of launch parameters by name; what is missing is shown as the gateway calls it. */
  params: {
    term: 'Terminal type',
    font_size: 'Font size',
    color_scheme: 'Colours',
    scrollback: 'Lines of scroll-back',
    start_directory: 'Start directory',
    initial_command: 'Initial command',
    locale: 'Locale',
  } as Record<string, string>,
  choices: {
    'color_scheme.auto': 'As the page',
    'color_scheme.dark': 'Dark',
    'color_scheme.light': 'Light',
  } as Record<string, string>,
  declarations: {
    keyboard: 'keyboard',
    clipboard_upload: 'paste',
    clipboard_download: 'copy',
    exec: 'commands',
  } as Record<string, string>,
  codes: {
    allowed: { title: 'Access is possible', text: 'Nothing stands in the way of a session.' },
    unauthenticated: {
      title: 'You are signed out',
      text: 'Your sign-in has ended. Sign in again, then reload this page.',
    },
    not_found: { title: 'Not found', text: 'There is no such session or asset, or it is not yours to see.' },
    no_protocol: { title: 'No web session here', text: 'Assets of this type cannot be opened in the browser.' },
    profile_denied: {
      title: 'Access is not permitted',
      text: 'No access profile lets you open web sessions on this asset. Ask its owner.',
    },
    restricted: {
      title: 'Access is closed now',
      text: 'A rule closes this asset at this time or from this place. Try later, or ask its owner.',
    },
    request_required: {
      title: 'Access must be approved',
      text: 'Ask for access first. You can start the session when it is approved.',
    },
    request_pending: {
      title: 'Waiting for approval',
      text: 'Your request has not been decided yet. You can start the session when it is approved.',
    },
    in_use: {
      title: 'In use by someone else',
      text: 'Another person holds this asset for themselves. Try again when they are done.',
    },
    limit_reached: {
      title: 'Too many sessions',
      text: 'The limit of sessions at one time is reached. End one, or try again later.',
    },
    mfa_required: { title: 'A token is required', text: 'Enter the present token from your authenticator.' },
    mfa_unavailable: {
      title: 'The token cannot be checked',
      text: 'The service that checks tokens does not answer. Try again in a minute.',
    },
    mfa_invalid: {
      title: 'The token was not accepted',
      text: 'It may be mistyped, too old or used already. Enter the present one from your authenticator.',
    },
    mfa_locked: {
      title: 'Too many wrong tokens',
      text: 'Tokens are not taken for a few minutes. Wait, then enter the present one.',
    },
    mfa_not_enrolled: {
      title: 'You have no authenticator yet',
      text: 'This access needs a token, and no authenticator is set up for you. Ask your administrator.',
    },
    policy_error: {
      title: 'Access could not be decided',
      text: 'The access rules could not be read, so nothing is permitted. Tell your administrator.',
    },
    bad_request: {
      title: 'The request was not understood',
      text: 'This page and the gateway do not fit together. Reload the page.',
    },
    invalid_param: {
      title: 'A setting is not possible',
      text: 'The gateway refused one of the settings. Change it and try again.',
    },
    origin_refused: {
      title: 'This address is not allowed',
      text: 'The gateway does not accept pages from this address. Tell your administrator.',
    },
    host_refused: {
      title: 'This address is not allowed',
      text: 'The gateway does not answer under this name. Tell your administrator.',
    },
    method_not_allowed: {
      title: 'The request was not understood',
      text: 'This page and the gateway do not fit together. Reload the page.',
    },
    too_large: { title: 'Too large', text: 'The gateway refused the request because of its size.' },
    rate_limited: { title: 'Too many attempts', text: 'Wait a moment, then try again.' },
    ticket_invalid: { title: 'The connection could not be opened', text: 'Its ticket was used or too old. Try again.' },
    other_login: {
      title: 'Opened by another sign-in',
      text: 'This session belongs to another sign-in of yours. Go on where you started it, or start a new one.',
    },
    reload: {
      title: 'A new version is there',
      text: 'The gateway is newer than this page. Reload it to go on; the session waits.',
    },
    internal: {
      title: 'Something went wrong',
      text: 'The gateway could not do this. Try again; if it stays so, tell your administrator.',
    },
    shutting_down: {
      title: 'The gateway is restarting',
      text: 'It takes no new sessions at this moment. Try again in a minute.',
    },
    audit_failed: {
      title: 'Not done',
      text: 'The event could not be written down, so nothing was done. Tell your administrator.',
    },
    session_ended: { title: 'The session has ended', text: 'It cannot be opened again. Start a new one to go on.' },
    opened_elsewhere: {
      title: 'Opened elsewhere',
      text: 'You opened this session in another window, which goes on with it. Nothing was lost.',
    },
    protocol_violation: {
      title: 'The connection was closed',
      text: 'This page and the gateway did not understand each other. Reload the page.',
    },
    viewer_too_slow: {
      title: 'The connection was too slow',
      text: 'This page could not keep up with the session. The session goes on; try again.',
    },
    capability_denied: { title: 'Not permitted', text: 'Your access profile does not permit this here.' },
    target_unreachable: {
      title: 'The target does not answer',
      text: 'No connection could be made. The machine may be off, or the network between is closed.',
    },
    host_key_unknown: {
      title: 'The target is not known',
      text: 'Its host key is not on record, so nothing was sent to it. Ask your administrator to register it.',
    },
    host_key_mismatch: {
      title: 'The target is not who it was',
      text: 'Its host key differs from the one on record. It may have been set up anew, or something stands in between. No password was sent. Tell your administrator.',
    },
    target_auth_failed: {
      title: 'The target refused the account',
      text: 'The stored account or its credential was not accepted. Tell the owner of the asset.',
    },
    target_no_shell: {
      title: 'The target gave no shell',
      text: 'Signing in worked, but the account may not open a shell, or its shell is missing.',
    },
    target_protocol: {
      title: 'The target does not keep to its protocol',
      text: 'It sent something that cannot be understood. The session was stopped.',
    },
    target_lost: {
      title: 'The target was lost',
      text: 'The connection between the gateway and the target broke. What ran in the shell may be gone.',
    },
    target_config: {
      title: 'The asset is not set up',
      text: 'Its record lacks something, or holds something that cannot be used. Tell the owner of the asset.',
    },
    recording_failed: {
      title: 'Stopped: the recording failed',
      text: 'This session must be recorded, and the recording could not be written. Nothing after that reached the target. Tell your administrator if it happens again.',
    },
    files_unavailable: {
      title: 'The target offers no files',
      text: 'Its file service is switched off or missing. Ask the owner of the asset.',
    },
    file_not_found: {
      title: 'The file is not there',
      text: 'It was moved or deleted meanwhile. Load the folder again.',
    },
    file_exists: {
      title: 'The name is taken',
      text: 'Choose another name, or replace what is there.',
    },
    file_denied: {
      title: 'The target does not permit it',
      text: 'The account on the target lacks the right to this file or folder.',
    },
    file_bad_name: {
      title: 'This name cannot be used',
      text: 'It is empty, too long, or has characters that a file name must not have.',
    },
    file_too_large: {
      title: 'The file is too large',
      text: 'It goes beyond the limit for transfers here.',
    },
    file_timeout: {
      title: 'The target did not answer in time',
      text: 'Nothing more was done. Try again.',
    },
    file_failed: {
      title: 'The file operation failed',
      text: 'The target reported a fault. Try again, or look at the target.',
    },
    max_duration: {
      title: 'The session has lasted as long as it may',
      text: 'Everyone in it was disconnected. Start again if you need more time.',
    },
    not_started: {
      title: 'The session has not begun',
      text: 'Its owner has not opened it yet. Try again in a moment.',
    },
    not_recorded: {
      title: 'This session is not recorded',
      text: 'Your access asks that you be recorded, so you cannot join it.',
    },
    own_session: {
      title: 'This is your own session',
      text: 'Open its page instead of joining it.',
    },
    user_disconnect: { title: 'Session disconnected', text: 'You ended the session. The target was told.' },
    remote_logoff: { title: 'You signed out of {asset}', text: 'The target ended the session when its shell closed.' },
    expired: {
      title: 'The approved time is over',
      text: 'Everyone in the session was disconnected. To go on, ask for a new time.',
    },
    terminated: { title: 'Ended by an administrator', text: 'Processes on the target may still be running.' },
    policy_rule: {
      title: 'Ended by a rule',
      text: 'A rule of this asset ended the session. Ask its owner what it says.',
    },
    idle: {
      title: 'Ended after a time without input',
      text: 'Idle sessions are closed to free the target. Unsaved work in the shell is gone.',
    },
    revoked: {
      title: 'Your access was withdrawn',
      text: 'A change to your access no longer allows web sessions on this asset. The target was signed out in order.',
    },
    network_lost: {
      title: 'The session could not be resumed',
      text: 'The connection was away for too long, so the target was disconnected in order.',
    },
    target_error: {
      title: 'The target ended with an error',
      text: 'It stopped the session by itself. Start again, or look at the target.',
    },
    gateway_shutdown: {
      title: 'The gateway was stopped',
      text: 'It ended all sessions in order. Start again in a minute.',
    },
    gateway_crash: {
      title: 'The gateway failed',
      text: 'The session was cut off. Its recording holds all that was shown. Start again.',
    },
  } as Record<string, CodeText>,
}

/** The shape of a catalogue. */
export type Messages = typeof en
