# What `break` and `mend` do at a partner. Read by them, not run.

# Puts a partner into one state: `none`, or one thing broken.
set_fault() {
  local partner=$1 fault=$2
  "fault_at_$partner" "$fault"
}

# Whether the registered IPv4 prefix of a partner is shown with these words.
says() {
  peeringd_client show registered 2>/dev/null | grep -F "$(registered_ipv4 "$1")" | grep -qF "$2"
}

fault_at_frr() {
  local address map='route-map to-microsoft permit 10' shut='no '
  local set=(-c 'set community 8075:8007') path=(-c 'no set as-path prepend')
  address=$(microsoft_end frr 2 ipv4)
  case $1 in
    none) ;;
    missing-community) set=(-c 'no set community') ;;
    path-too-long) path=(-c 'set as-path prepend 64500 64501 64502') ;;
    private-asn) path=(-c 'set as-path prepend 64512') ;;
    session-down) shut='' ;;
  esac
  vtysh_in -c 'configure terminal' -c "$map" "${set[@]}" "${path[@]}" -c 'exit' \
    -c 'router bgp 64496' -c "${shut}neighbor $address shutdown" >/dev/null
  vtysh_in -c 'clear bgp * soft out' >/dev/null
}

fault_at_bird() {
  local name
  for name in missing-community path-too-long private-asn; do
    echo "define ${name//-/_} = $([ "$name" = "$1" ] && echo true || echo false);"
  done >"$lab_dir/bird/faults.conf"
  birdc_in configure >/dev/null
  case $1 in
    session-down) birdc_in disable microsoft2_ipv4 >/dev/null ;;
    *) birdc_in enable microsoft2_ipv4 >/dev/null ;;
  esac
}

fault_at_gobgp() {
  local community=(community 8075:8007) path=()
  case $1 in
    missing-community) community=() ;;
    path-too-long) path=(aspath 64500,64501,64502) ;;
    private-asn) path=(aspath 64512) ;;
    none | session-down) ;;
  esac
  announce_at_gobgp "${community[@]}" "${path[@]}"
  case $1 in
    session-down) gobgp_in neighbor "$(microsoft_end gobgp 2 ipv4)" disable >/dev/null ;;
    *) gobgp_in neighbor "$(microsoft_end gobgp 2 ipv4)" enable >/dev/null ;;
  esac
}

announce_at_gobgp() {
  gobgp_in global rib add -a ipv4 "$(registered_ipv4 gobgp)" origin igp "$@"
}
