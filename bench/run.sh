#!/usr/bin/env bash
# Measures what issue and README promise, on this machine, and prints a Markdown table with machine and data hash.
# Called by `./dev bench`; the release binary, build/release/bin/bench_data and delta_speed must be built.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/build/release/bin
sluice=$bin/sluice
work=$PWD/build/bench
bids=${BENCH_BIDS:-2000000}
keys=${BENCH_KEYS:-10000000}
mkdir -p "$work"

seconds() { local start end; start=$(date +%s.%N); "$@" >/dev/null 2>"$work/stderr" || { cat "$work/stderr" >&2; return 1; }; end=$(date +%s.%N); echo "$end $start" | awk '{printf "%.3f", $1 - $2}'; }
best_of() { local n=$1 best=999999 t i; shift; for ((i = 0; i < n; i++)); do t=$(seconds "$@"); best=$(echo "$t $best" | awk '{print ($1 < $2) ? $1 : $2}'); done; echo "$best"; }
row() { printf '| %s | %s | %s |\n' "$1" "$2" "$3"; }

[ -f "$work/bids-$bids.jsonl" ] || "$bin/bench_data" bids "$bids" "$work/bids-$bids.jsonl"
[ -f "$work/keys-$keys.parquet" ] || "$bin/bench_data" keys "$keys" "$work/keys-$keys.parquet"

printf 'Machine: %s, %s cores, %s; sluice %s; %s\n' "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | sed 's/^ //')" "$(nproc)" \
  "$(awk '/MemTotal/ {printf "%.0f GiB", $2 / 1048576}' /proc/meminfo)" "$("$sluice" version | awk '/^commit/ {print $2}')" "$(date -u +%Y-%m-%d)"
printf 'Data: bids sha256 %s, keys sha256 %s\n\n' "$(sha256sum "$work/bids-$bids.jsonl" | cut -c1-16)" "$(sha256sum "$work/keys-$keys.parquet" | cut -c1-16)"
printf '| what | measured | bar |\n|---|---|---|\n'

row '`sluice --help`' "$(best_of 10 "$sluice" --help) s" '< 0.020 s'

project=$work/fifty
rm -rf "$project"; mkdir -p "$project/transformations" "$project/landing"
printf 'name: fifty\n' >"$project/sluice.yml"
printf '{"k":1,"v":2}\n' >"$project/landing/a.jsonl"
printf "CREATE STREAMING TABLE s AS SELECT * FROM STREAM read_files('landing/*.jsonl', format => 'json');\n" >"$project/transformations/s.sql"
for i in $(seq 1 49); do
  printf 'CREATE MATERIALIZED VIEW v%d AS SELECT k, count(*) AS n, sum(v) AS total FROM s WHERE v > %d GROUP BY k;\n' "$i" "$i" >"$project/transformations/v$i.sql"
done
row '`sluice validate`, 50 files' "$(best_of 5 "$sluice" validate -q -C "$project") s" '< 0.300 s'

demo() { rm -rf "$work/demo"; "$sluice" init -q --template earthquakes "$work/demo" && "$sluice" run --once -q -C "$work/demo"; }
row 'init and run --once of the demo' "$(best_of 3 demo) s" '< 5 s'

project=$work/pass
pass() {
  rm -rf "$project"; mkdir -p "$project/landing"
  ln "$work/bids-$bids.jsonl" "$project/landing/bids.jsonl"
  printf "CREATE STREAMING TABLE bids AS SELECT * FROM STREAM read_files('landing/*.jsonl', format => 'json');\n" >"$project/p.sql"
  "$sluice" run --once -q "$project/p.sql"
}
t=$(best_of 3 pass)
bytes=$(stat -c %s "$work/bids-$bids.jsonl")
row "JSON lines → Delta, $bids bids, types inferred" "$(echo "$bids $t $bytes" | awk '{printf "%.0f rows/s, %.0f MB/s", $1 / $2, $3 / $2 / 1e6}')" '≥ 300,000 rows/s'

project=$work/count
counted() {
  rm -rf "$project"; mkdir -p "$project/landing"
  ln "$work/keys-$keys.parquet" "$project/landing/keys.parquet"
  printf "CREATE MATERIALIZED VIEW counts AS SELECT key, count(*) AS n FROM read_files('landing/*.parquet', format => 'parquet') GROUP BY key;\n" >"$project/p.sql"
  "$sluice" run --once -q "$project/p.sql"
}
t=$(best_of 3 counted)
d=$("$bin/bench_data" duckdb-count "$work/keys-$keys.parquet")
row "grouped count, $keys rows from Parquet, into Delta" "$(echo "$t $d" | awk '{printf "%.2f s; DuckDB, into memory: %.2f s; ratio %.1f", $1, $2, $1 / $2}')" 'ratio stated'

# Delta tables beside DuckDB and delta-rs.
printf '\n'
"$SLUICE_PYTHON" bench/delta_speed.py "$bin"
