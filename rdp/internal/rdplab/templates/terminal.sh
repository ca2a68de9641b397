#!/bin/sh
# A chart of colours and letters, and then a shell. $1 is made when the chart is there.
cd "$HOME"
i=0
while [ $i -lt 256 ]; do
  printf '\033[48;5;%dm%02x' $i $i
  i=$((i + 1))
  [ $((i % 32)) != 0 ] || printf '\033[0m\n'
done
printf 'The quick brown fox jumps over the lazy dog. 0123456789 {}[]()<>/\\|\n'
: >"$1"
PS1='> ' exec sh
