#!/usr/bin/env bash
# The demo, run by `./dev demo`: a project is made, run, given new files, run again, and read by another Delta reader.
# Exits non-zero if anything is not as it must be.
set -euo pipefail

cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
sluice=${SLUICE_BINARY:-$PWD/build/release/bin/sluice}
python=${SLUICE_PYTHON:-$PWD/.deps/venv/bin/python}
base=$PWD/build/demo
project=quakes

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi

heading() { printf '\n%s%s%s\n\n' "$bold" "$*" "$plain"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }
# show COMMAND...: prints the command as a person would type it, then runs it.
show() {
  printf '%s$' "$dim"
  printf ' %s' "${@@Q}" | sed "s/'\([A-Za-z0-9_./,=-]*\)'/\1/g"
  printf '%s\n' "$plain"
  "$@" 2>&1
}
sluice() { "$sluice" "$@"; }
# query SQL: prints the only column's values, one a line.
query() { sluice sql -C "$project" --output csv -c "$1" | tail -n +2 | tr -d '\r' | sed 's/^"\(.*\)"$/\1/; s/""/"/g'; }

# Rows as lines of even width, so that they can be compared and read.
above_mean="SELECT printf('%-6s %-12s %5.2f', net, id, mag) FROM above_network_mean ORDER BY ALL"
strongest="SELECT printf('%s %2d. %4.1f  %s', day, place_of_day, mag, place) FROM strongest_of_day ORDER BY day, place_of_day"

# changes BEFORE AFTER: prints the lines that went (-) and came (+).
changes() {
  local went came
  went=$(comm -23 <(sort <<<"$1") <(sort <<<"$2") | sed 's/^/  - /')
  came=$(comm -13 <(sort <<<"$1") <(sort <<<"$2") | sed 's/^/  + /')
  printf '%s\n' "$went" "$came" | grep -v '^$' | sort -k2 | awk -v limit=24 'NR <= limit { print } END { if (NR > limit) printf "    … %d more\n", NR - limit }'
  printf '  %d rows went, %d came; %d stayed as they were\n' "$(grep -c . <<<"$went" || true)" "$(grep -c . <<<"$came" || true)" \
    "$(comm -12 <(sort <<<"$1") <(sort <<<"$2") | grep -c . || true)"
}

[[ -x $sluice ]] || fail "$sluice is missing: ./dev build"
rm -rf "$base" && mkdir -p "$base" && cd "$base"

heading '1. A project: SQL files, and the first six days of an earthquake feed'
show sluice init --template earthquakes "$project"
(cd "$project" && ls -d sluice.yml transformations/* landing/*) | sed 's/^/  /'

heading '2. Run it: every table under lake/ follows from the files in landing/'
show sluice run --once -C "$project"
show sluice sql -C "$project" -c 'SELECT net, quakes, round(mag_avg, 2) AS mag_avg, depth_km_max FROM network_stats ORDER BY quakes DESC LIMIT 5'
show sluice sql -C "$project" -c 'SELECT day, place_of_day AS n, mag, left(place, 48) AS place FROM strongest_of_day WHERE place_of_day <= 2 ORDER BY day DESC, n LIMIT 6'
above_before=$(query "$above_mean")
strongest_before=$(query "$strongest")

heading '3. The next days land, and it runs again'
show cp "$project/data/2018-02-06.jsonl" "$project/data/2018-02-07.jsonl" "$project/landing/"
show sluice run --once -C "$project" | tee second_run.txt
read_line=$(grep '^  read ' second_run.txt || true)
[[ $read_line == *'read 2 files into quakes_raw:'*2018-02-06.jsonl*2018-02-07.jsonl* ]] ||
  fail "the second run was to read exactly the two new files, but says: $read_line"
printf '\nOnly the two new files were read:%s\n' "${read_line#*:}"

heading '4. What changed'
printf 'above_network_mean: events that are stronger than the mean of their network by more than 1. New events moved the means,\nso older events crossed the line in both directions. (The mean stands in every row, so the run replaced the others, too.)\n\n'
changes "$above_before" "$(query "$above_mean")"
printf '\nstrongest_of_day: the ten strongest of each day\n\n'
changes "$strongest_before" "$(query "$strongest")"

heading '5. A third run finds nothing to do'
show sluice run --once -C "$project" | tee third_run.txt
grep -q 'everything is up to date' third_run.txt || fail 'the third run was to find nothing to do'

heading '6. The tables are plain Delta tables: deltalake (Python) reads the same rows'
printf '%s$ python3 tools/read_with_deltalake.py --show 3 %s%s\n' "$dim" "$project" "$plain"
"$python" ../../tools/read_with_deltalake.py --sluice "$sluice" --show 3 "$project"

heading "Done, in $SECONDS s."
cat <<TEXT
The project is in build/demo/$project. To go on:

  cd build/demo/$project
  ../../release/bin/sluice explain above_network_mean
  ../../release/bin/sluice run        # keeps watching landing/ until Ctrl-C
TEXT
