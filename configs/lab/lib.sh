# What `up`, `down`, `break`, `mend` and `peeringd` of this folder share. Read by them, not run.

set -euo pipefail

lab_configs=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Where the lab's files are while it is up: a folder a node with its sockets and logs, and which form it has.
lab_dir=/run/peeringd-lab
# Namespaces and containers are called this and the node's name.
prefix=peeringd-lab
partners=(frr bird gobgp)
nodes=(microsoft "${partners[@]}")
# Between this machine and the node `microsoft`: benchmarking space (RFC 2544), which nothing else has.
host_link=peeringd-lab
host_address=198.18.75.0
microsoft_address=198.18.75.1
ipv4_set=354
ipv6_set=14

fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

usage() {
  sed -n '2,/^set /p' "$0" | sed -n 's/^# \{0,1\}//p' >&2
  exit 2
}

need() {
  command -v "$1" >/dev/null || fail "$1 is missing: apt-get install $2"
}

need_root() {
  [ "$(id -u)" -eq 0 ] || fail 'needs root, for network namespaces and the control socket: run it with sudo'
}

is_partner() {
  local partner
  for partner in "${partners[@]}"; do [ "$partner" = "$1" ] && return 0; done
  return 1
}

# `netns` or `containers`, of a lab that is up.
form() {
  cat "$lab_dir/form" 2>/dev/null || fail 'no lab is up: configs/lab/up'
}

compose() {
  lab_dir=$lab_dir docker-compose -p "$prefix" -f "$lab_configs/compose.yaml" "$@"
}

# Runs a command that says much when all goes well: what it said is shown where it fails.
quietly() {
  local said
  said=$("$@" 2>&1) || { printf '%s\n' "$said" >&2; return 1; }
}

# Runs a command in a node.
in_node() {
  local node=$1
  shift
  case $(form) in
    netns) ip netns exec "$prefix-$node" "$@" ;;
    containers) docker exec "$prefix-$node" "$@" ;;
  esac
}

# peeringd as a client of the lab's daemon.
peeringd_client() {
  local binary
  binary=$(cat "$lab_dir/binary" 2>/dev/null) || fail 'no lab is up: configs/lab/up'
  "$binary" "$@" --socket "$lab_dir/microsoft/control.sock"
}

# Tries a command until it succeeds; false when it has not within so many seconds.
within() {
  local seconds=$1 deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

vtysh_in() {
  in_node frr vtysh --vty_socket "$lab_dir/frr" -d bgpd "$@"
}

birdc_in() {
  in_node bird birdc -s "$lab_dir/bird/bird.ctl" "$@"
}

gobgp_in() {
  in_node gobgp gobgp -u 127.0.0.1 -p 50051 "$@"
}

# How many prefixes of a family a partner has of its first and second connection: two numbers.
held_by() {
  local partner=$1 family=$2 number address
  for number in 1 2; do
    address=$(microsoft_end "$partner" "$number" "$family")
    case $partner in
      frr)
        vtysh_in -c "show bgp $family unicast neighbors $address routes json" 2>/dev/null |
          grep -c '"network":' || true
        ;;
      bird)
        birdc_in show route protocol "microsoft${number}_$family" count 2>/dev/null |
          sed -n "s/^\([0-9]*\) of .* for table master${family#ipv}.*/\1/p; s/^\([0-9]*\) of [0-9]* routes for [0-9]* networks in table master${family#ipv}.*/\1/p"
        ;;
      gobgp) gobgp_in neighbor "$address" adj-in -a "$family" 2>/dev/null | grep -c '/' || true ;;
    esac
  done | tr '\n' ' ' | sed 's/ $//'
}

holds_the_set() {
  local partner=$1
  [ "$(held_by "$partner" ipv4)" = "$ipv4_set $ipv4_set" ] && [ "$(held_by "$partner" ipv6)" = "$ipv6_set $ipv6_set" ]
}

index_of() {
  case $1 in frr) echo 0 ;; bird) echo 1 ;; gobgp) echo 2 ;; esac
}

# The prefixes that a partner registered.
registered_ipv4() {
  case $1 in frr) echo 203.0.113.0/24 ;; bird) echo 198.51.100.0/24 ;; gobgp) echo 192.0.2.0/24 ;; esac
}

# The two ends of a connection: of a /31 and a /127 the partner has the first address and Microsoft the second.
partner_end() {
  case $3 in
    ipv4) echo "10.75.$(index_of "$1").$((2 * $2))" ;;
    ipv6) echo "fd00:8075:$(index_of "$1"):$2::2" ;;
  esac
}

microsoft_end() {
  case $3 in
    ipv4) echo "10.75.$(index_of "$1").$((2 * $2 + 1))" ;;
    ipv6) echo "fd00:8075:$(index_of "$1"):$2::3" ;;
  esac
}
