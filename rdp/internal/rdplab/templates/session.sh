#!/bin/sh
# What an X session shows, by $1: still or moving. It ends with the shell in its terminal. The pattern and the colours are there to be
# compared; the pointer decides where keys go, since no window manager runs.
xsetroot -mod 16 12 -fg steelblue -bg navy
if [ "$1" = moving ]; then
  xterm -fn fixed -geometry 60x12+20+400 -bg white -fg black -e sh -c \
    'i=0; while :; do i=$((i+1)); echo "line $i of a text that goes on and on"; sleep 0.1; done' &
  xclock -update 1 -geometry 150x150+620+20 &
fi
exec xterm -fn fixed -geometry 80x26+20+20 -bg black -fg white +sb -e sh "$2" "$HOME/ready${DISPLAY%.0}"
