#!/bin/sh
# GNOME's remote desktop on a headless compositor, in a D-Bus session of its own. $1 is the folder of certificate and key, $2 the port,
# $3 the program of the daemon; user and password come in by the environment.
pipewire &
wireplumber >/dev/null 2>&1 &
grdctl --headless rdp set-tls-cert "$1/tls.crt"
grdctl --headless rdp set-tls-key "$1/tls.key"
grdctl --headless rdp set-credentials "$LAB_USER" "$LAB_PASSWORD"
grdctl --headless rdp disable-view-only
grdctl --headless rdp enable
gsettings set org.gnome.desktop.remote-desktop.rdp screen-share-mode mirror-primary
mutter --headless --wayland --no-x11 --virtual-monitor 800x600 &
owned() {
  gdbus call --session -d org.freedesktop.DBus -o /org/freedesktop/DBus -m org.freedesktop.DBus.NameHasOwner "$1" 2>/dev/null |
    grep -q true
}
until owned org.gnome.Mutter.RemoteDesktop && owned org.gnome.Mutter.ScreenCast; do sleep 0.05; done
"$3" --headless --rdp-port "$2" &
WAYLAND_DISPLAY=wayland-0 weston-terminal --shell="$HOME/shell.sh" &
wait
