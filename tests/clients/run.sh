#!/usr/bin/env bash
# Unmodified EWS clients against the demonstration, over TLS with its authority. Libraries go to target/clients.
# usage: tests/clients/run.sh [BINARY]     (target/release/calendar-relay, else target/debug/calendar-relay)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

binary=${1:-}
for built in target/release/calendar-relay target/debug/calendar-relay; do
  [ -n "$binary" ] || { [ -x "$built" ] && binary=$built; }
done
[ -n "$binary" ] || { echo "build it first: cargo build" >&2; exit 1; }

libraries=$PWD/target/clients
mkdir -p "$libraries"
if [ ! -x "$libraries/venv/bin/python" ]; then python3 -m venv "$libraries/venv"; fi
"$libraries/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
# Respa's own, older libraries: their NTLM needs MD4 from OpenSSL's legacy provider.
if [ ! -x "$libraries/old/bin/python" ]; then python3 -m venv "$libraries/old"; fi
"$libraries/old/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements-old-ntlm.txt"
cp "$here/package.json" "$here/package-lock.json" "$libraries/"
(cd "$libraries" && npm ci --silent --no-audit --no-fund)

work=$(mktemp -d)
demo=
: >"$work/demo.log"
finish() {
  if [ -n "$demo" ]; then kill "$demo" 2>/dev/null || true; wait "$demo" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap finish EXIT
"$binary" demo --details "$work/details.json" \
  --listen 127.0.0.1:0 --simulator-listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 \
  --monitor --monitor-listen 127.0.0.1:0 --mediator-listen 127.0.0.1:0 >"$work/demo.log" 2>&1 &
demo=$!
# The demonstration says how to end it when everything is up.
for _ in $(seq 300); do
  grep -q 'Ctrl-C ends' "$work/demo.log" && break
  kill -0 "$demo" 2>/dev/null || { cat "$work/demo.log" >&2; exit 1; }
  sleep 0.1
done
grep -q 'Ctrl-C ends' "$work/demo.log" || { cat "$work/demo.log" >&2; exit 1; }

authority=$("$libraries/venv/bin/python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["ca_file"])' "$work/details.json")
# exchangelib remembers what it found out in the folder for temporary files.
export TMPDIR=$work REQUESTS_CA_BUNDLE=$authority NODE_EXTRA_CA_CERTS=$authority NODE_LIBRARIES=$libraries
python=$libraries/venv/bin/python
"$python" "$here/exchangelib_client.py" "$work/details.json"
node "$here/ews_javascript_client.mjs" "$work/details.json"
# What comes with exchangelib is the newest requests_ntlm; Respa's takes its MD4 from OpenSSL.
for with in "$python" "$libraries/old/bin/python"; do
  OPENSSL_CONF=$here/openssl-legacy.cnf "$with" "$here/ntlm_client.py" "$work/details.json"
  OPENSSL_CONF=$here/openssl-legacy.cnf "$with" "$here/respa_client.py" "$work/details.json"
done
"$python" "$here/respa_client.py" "$work/details.json" --basic
"$python" "$here/exchangelib_calendar.py" "$work/details.json"
node "$here/ews_javascript_calendar.mjs" "$work/details.json"
"$python" "$here/exchangelib_out_of_office.py" "$work/details.json"
node "$here/ews_javascript_out_of_office.mjs" "$work/details.json"
"$python" "$here/monitor_client.py" "$work/details.json"
"$python" "$here/respa_restart.py" "$binary"
# Applications that show certificates.
"$python" "$here/certificate_assertion.py" "$binary"
"$python" "$here/certificate_rotation.py" "$binary"
"$python" "$here/setup_files.py" "$binary"
echo "every client got the right answers"
