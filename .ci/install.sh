#!/usr/bin/env bash
# Makes sure that the programs named as arguments, or else all that the tests need, are there. On Debian and its
# kin it installs what lacks; elsewhere it says what lacks and fails.
set -euo pipefail
PATH=$PATH:/usr/local/sbin:/usr/sbin

# program to Debian package
declare -A package=(
  [gcc]=gcc               # the race detector is linked by it
  [make]=make
  [git]=git
  [sshd]=openssh-server
  [ssh]=openssh-client
  [ssh-keygen]=openssh-client
  [dropbear]=dropbear-bin # the SSH server of small devices
  [dropbearkey]=dropbear-bin
  [ssh-agent]=openssh-client
  [ssh-add]=openssh-client
  [useradd]=passwd         # an account that signs in with a password
  [chpasswd]=passwd
  [userdel]=passwd
  [chromium]=chromium     # browser tests
  [strace]=strace         # injected I/O errors
  [vim]=vim               # full-screen programs in a terminal
  [htop]=htop
  [less]=less
  [tmux]=tmux
  [unzip]=unzip
  # real RDP servers, what they show, and another client (rdp/internal/rdplab)
  [xclip]=xclip
  [xrdp]=xrdp
  [xrdp-sesman]=xrdp
  [/usr/lib/xorg/Xorg]=xserver-xorg-core
  [freerdp-shadow-cli]=freerdp2-shadow-x11
  [xfreerdp]=freerdp2-x11
  [winpr-hash]=winpr-utils
  [weston]=weston
  [weston-terminal]=weston
  [/usr/libexec/gnome-remote-desktop-daemon]=gnome-remote-desktop
  [grdctl]=gnome-remote-desktop
  [mutter]=mutter
  [pipewire]=pipewire
  [wireplumber]=wireplumber
  [gsettings]=libglib2.0-bin
  [gdbus]=libglib2.0-bin
  [dbus-run-session]=dbus-daemon
  [Xvfb]=xvfb
  [xdotool]=xdotool
  [xterm]=xterm
  [xwd]=x11-apps
  [xclock]=x11-apps
  [xsetroot]=x11-xserver-utils
  [ip]=iproute2
  [pg_ctlcluster]=postgresql # a second database for what is kept in one
  [rsyslogd]=rsyslog         # takes audit events
  [nsenter]=util-linux
  [setpriv]=util-linux
)
programs=("$@")
if [ ${#programs[@]} = 0 ]; then
  programs=("${!package[@]}")
fi

want=()
for program in "${programs[@]}"; do
  if [ -z "${package[$program]:-}" ]; then
    echo "install.sh does not know which package holds $program" >&2
    exit 1
  fi
  command -v "$program" >/dev/null || want+=("${package[$program]}")
done
if [ $# = 0 ] && command -v dpkg >/dev/null; then
  # No program tells whether these are there: headers for cgo, letters of other scripts for screenshots, what xrdp and mutter
  # draw with, and TLS for rsyslog.
  for p in libc6-dev ca-certificates fonts-dejavu-core fonts-noto-cjk xorgxrdp libegl-mesa0 rsyslog-gnutls; do
    dpkg -s "$p" >/dev/null 2>&1 || want+=("$p")
  done
fi
if [ ${#want[@]} = 0 ]; then
  exit 0
fi

echo "missing: ${want[*]}"
if ! command -v apt-get >/dev/null; then
  echo "this is no Debian: install ${want[*]} (or what they are called here) and run the command again" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "neither root nor sudo: ask an administrator for: apt-get install ${want[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
# Tests start a database server of their own; the package is not to start one while it is installed.
no_cluster=/etc/postgresql-common/createcluster.d/sallyport-tests.conf
trap '"${as_root[@]}" rm -f "$no_cluster"' EXIT
"${as_root[@]}" mkdir -p "${no_cluster%/*}"
echo 'create_main_cluster = false' | "${as_root[@]}" tee "$no_cluster" >/dev/null
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${want[@]}"
for program in "${programs[@]}"; do
  command -v "$program" >/dev/null || { echo "$program is still missing" >&2; exit 1; }
done
