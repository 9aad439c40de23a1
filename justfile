# What is checked, and how. `just check` is what .ci/run runs.
set shell := ["bash", "-euo", "pipefail", "-c"]

fuzz_targets := "envelope operation graph_reply icalendar ntlm zone"

_default:
    @just --list

# Everything that a change must pass; the tests come last, so that their result is the last line.
check: fmt deploy-lint deny clippy doc fuzz-smoke clients test

# Formatting.
fmt:
    cargo fmt --check
    cargo fmt --check --manifest-path fuzz/Cargo.toml

# Lints, with warnings as errors.
clippy:
    cargo clippy --locked --all-targets -- -D warnings

# Documentation, with broken links as errors.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

# All tests.
test:
    cargo test --locked

# Licences, bans, sources.
deny:
    cargo deny --locked check licenses bans sources

# Each fuzz target for some seconds; built quickly, without the address sanitizer: no code of ours is unsafe.
fuzz-smoke seconds="10": fuzz-seeds
    for target in {{ fuzz_targets }}; do \
        cargo +nightly fuzz run --dev --sanitizer none $target -- -max_total_time={{ seconds }} -max_len=16384 -verbosity=0 -print_final_stats=1 2>&1 \
            | grep -vE '^(INFO|#|\s+Running)|# Uses:'; \
    done

# Each fuzz target for a while, optimised.
fuzz seconds="600": fuzz-seeds
    for target in {{ fuzz_targets }}; do \
        cargo +nightly fuzz run --sanitizer none $target -- -max_total_time={{ seconds }} -max_len=65536; \
    done

# Puts the recorded requests and log-ins and Graph's documented answers into the fuzz corpus.
fuzz-seeds:
    #!/usr/bin/env bash
    set -euo pipefail
    for target in {{ fuzz_targets }}; do mkdir -p "fuzz/corpus/$target"; done
    find fixtures/ews -name '*.xml' | while read -r file; do
        seed=$(echo "${file#fixtures/ews/}" | tr / -)
        cp "$file" "fuzz/corpus/envelope/$seed"
        cp "$file" "fuzz/corpus/operation/$seed"
    done
    cp -t fuzz/corpus/icalendar fixtures/icalendar/*.ics
    if [ -d fixtures/graph ]; then
        find fixtures/graph -name '*.json' | while read -r file; do
            cp "$file" "fuzz/corpus/graph_reply/$(echo "${file#fixtures/graph/}" | tr / -)"
        done
    fi
    messages=$(grep -oE '"(negotiate|authenticate)": "[^"]*"' fixtures/ntlm/recorded.json | cut -d '"' -f 4)
    for message in $messages; do
        base64 -d <<<"$message" >"fuzz/corpus/ntlm/$(cksum <<<"$message" | cut -d ' ' -f 1)"
    done

# The systemd unit, the Dockerfile and the shell scripts.
deploy-lint:
    .ci/lint-unit deploy/calendar-relay.service
    hadolint deploy/Dockerfile
    shellcheck .ci/run .ci/lint-unit tests/clients/run.sh

# A program against a fresh demonstration, whose details file is its first argument.
with-demo program *arguments:
    #!/usr/bin/env bash
    set -euo pipefail
    cargo build --release --locked
    folder=$(mktemp -d)
    target/release/calendar-relay demo --listen 127.0.0.1:0 --simulator-listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 \
        --details "$folder/details.json" >"$folder/log" 2>&1 &
    trap 'kill %1 2>/dev/null || true; rm -rf "$folder"' EXIT
    for _ in $(seq 100); do [ -s "$folder/details.json" ] && break; sleep 0.1; done
    {{ program }} "$folder/details.json" {{ arguments }}

# Unmodified EWS clients from their registries, against a demonstration.
clients:
    cargo build --locked
    tests/clients/run.sh target/debug/calendar-relay

# Load while Graph is throttled, slow and dead.
faults: (with-demo "python3 tests/clients/fault_run.py")

# A thousand writes while the connection to Graph breaks and the gateway is killed.
exactly-once *arguments:
    cargo build --release --locked
    python3 tests/clients/exactly_once.py target/release/calendar-relay {{ arguments }}

# Figures about calendars: a long FindItem, idle streams, the delay of events.
calendar-figures *arguments:
    cargo build --release --locked
    target/clients/venv/bin/python tests/clients/calendar_figures.py target/release/calendar-relay {{ arguments }}

# Two hundred changes of automatic replies while the gateway is killed and the mediator fails.
monitor-kills *arguments:
    cargo build --release --locked
    target/clients/venv/bin/python tests/clients/monitor_kills.py target/release/calendar-relay {{ arguments }}

# Figures of the monitor: ten thousand watched mailboxes.
monitor-figures *arguments:
    cargo build --release --locked
    target/clients/venv/bin/python tests/clients/monitor_figures.py target/release/calendar-relay {{ arguments }}

# The benchmarks; prints ratios.
bench:
    cargo bench --locked --bench gateway

# The smallest and fastest binary, its size and its start; builds for many minutes.
size:
    cargo build --locked --profile dist
    cargo bench --locked --bench gateway -- --gateway target/dist/calendar-relay --only start
