#!/usr/bin/env bash
# Installs what the walk through the real studio needs of Debian or Ubuntu: a terminal multiplexer, a server to log in
# to, a sound system, and a browser. Does nothing where all of it is there; needs root (or sudo) otherwise.
set -euo pipefail

packages=(tmux openssh-server openssh-client pulseaudio pulseaudio-utils libportaudio2 libasound2-plugins chromium)
missing=()
for package in "${packages[@]}"; do
  state="$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)"
  [[ $state == installed ]] || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  exit 0
fi

as_root=()
if ((EUID != 0)); then
  as_root=(sudo)
fi
echo "installing ${missing[*]}"

# The tests start an sshd of their own: installing the package must not open this machine to others.
policy=/usr/sbin/policy-rc.d
guarded=
if [[ ! -e $policy ]]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
  guarded=yes
fi
finish() {
  if [[ -n $guarded ]]; then
    "${as_root[@]}" rm -f "$policy"
  fi
}
trap finish EXIT

"${as_root[@]}" apt-get update --quiet=2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install --yes --quiet=2 --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" >/dev/null
if [[ " ${missing[*]} " == *" openssh-server "* && -d /run/systemd/system ]]; then
  "${as_root[@]}" systemctl disable --quiet ssh.service ssh.socket 2>/dev/null || true
fi
