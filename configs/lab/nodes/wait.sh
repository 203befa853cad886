# Waits until a device of the node is there and has its cable plugged in at both ends. Read, not run.
wait_for() {
  until [ "$(cat "/sys/class/net/$1/operstate" 2>/dev/null)" = up ]; do sleep 0.05; done
}
