#!/bin/sh
# A terminal for weston, over and over again: a client's input devices are gone as soon as it is, and weston ends the connection of programs
# that only then hear of them. The shell goes on meanwhile. $1 is the folder of terminal.sh, $2 that in which the shell stands.
printf 'set -g status off\nset -g default-terminal xterm-256color\n' >"$1/tmux.conf"
printf '#!/bin/sh\nexec tmux -S "%s/tmux" -f "%s/tmux.conf" new-session -A -s lab sh "%s/terminal.sh" "%s/ready"\n' "$2" "$1" "$1" "$2" >"$1/shell.sh"
chmod 755 "$1/shell.sh"
while :; do
  weston-terminal --shell="$1/shell.sh"
done
