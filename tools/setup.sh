# Installs what sluice needs and this machine lacks; sourced by ./dev, which gives `say`, `die`, `logged` and $root.
#
# Everything is named in deps.lock. Debian packages come from apt, the rest goes to $deps (the folder .deps, or
# $SLUICE_DEPS) and is unpacked only after its sha256 was compared. Each part leaves a stamp file `.from` with what it
# was made from, last, so that a part which was interrupted or whose pin moved is made again.

deps=${SLUICE_DEPS:-$root/.deps}

# pinned KIND NAME COLUMN: prints a column (3 version, 4 sha256) of a dependency's first line in deps.lock.
pinned() {
  awk -F'|' -v kind="$1" -v name="$2" -v column="$3" '
    { for (i = 1; i <= NF; i++) gsub(/^ +| +$/, "", $i) }
    $1 == kind && $2 == name { print $column; found = 1; exit }
    END { exit !found }' "$root/deps.lock" || die "deps.lock has no line: $1 | $2"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo ${CI:+-n} "$@"
  else
    echo "needs root, and there is no sudo; run as root: $*"
    return 1
  fi
}

# ---------------------------------------------------------------------------------------------- Debian packages

# Prints the first Python that can make the environment: the one on the PATH (pyenv's, say), else Debian's.
find_python() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$python"
      return
    fi
  done
  return 1
}

# Prints the Debian packages that every ./dev command relies on.
debian_wanted() {
  local name
  awk -F'|' '$1 ~ /^debian *$/ { gsub(/ /, "", $2); print $2 }' "$root/deps.lock" | while read -r name; do
    case $name in
      clang) ;;  # only the preset fuzz: ./dev build fuzz installs it
      npm) command -v npm >/dev/null || echo "$name" ;;
      python3 | python3-venv) find_python >/dev/null || echo "$name" ;;
      *) echo "$name" ;;
    esac
  done
}

# setup_debian PACKAGE...: installs those that dpkg does not know as installed.
setup_debian() {
  local states missing=() name
  command -v dpkg-query >/dev/null || die "this is no Debian: install the counterparts of $* by hand"
  states=$(dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n' "$@" 2>/dev/null) || true
  for name in "$@"; do
    grep -q "^$name [^ ]* installed$" <<<"$states" || missing+=("$name")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    say "setup: installing ${#missing[@]} Debian packages: ${missing[*]}"
    logged apt-update as_root apt-get -q update
    logged apt-install as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get -q install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}"
  fi
}

# One line naming the packages whose version is another one than deps.lock was tried with.
report_debian_versions() {
  local name version differ=()
  while read -r name version; do
    [ "$version" = "$(pinned debian "$name" 3)" ] || differ+=("$name $version")
  done < <(dpkg-query -W -f '${Package} ${Version}\n' "$@" 2>/dev/null)
  [ ${#differ[@]} -eq 0 ] || say "setup: accepted other Debian versions than deps.lock names: $(join_comma "${differ[@]}")"
}

join_comma() {
  local joined
  printf -v joined '%s, ' "$@"
  echo "${joined%, }"
}

# ---------------------------------------------------------------------------------------------- archives

# check_sha256 FILE SHA256
check_sha256() {
  local actual
  actual=$(sha256sum <"$1") && actual=${actual%% *}
  [ "$actual" = "$2" ] && return
  echo "$(basename "$1"): sha256 is $actual, deps.lock has $2"
  return 1
}

# fetch_sdist NAME FOLDER: leaves NAME's pinned source distribution in FOLDER. pip compares the hash before it opens the
# archive; the environment holds the build backends that it asks for metadata.
fetch_sdist() {
  local name=$1 folder=$2 version sha256
  version=$(pinned pypi "$name" 3)
  sha256=$(pinned pypi "$name" 4)
  echo "$name==$version --hash=sha256:$sha256" >"$folder/$name.txt"
  # duckdb's metadata wants a newer CMake, which only its build would use.
  SKBUILD_CMAKE_VERSION='>=3.15' "$deps/venv/bin/pip" download --quiet --disable-pip-version-check --no-input \
    --no-deps --no-build-isolation --no-binary "$name" --require-hashes -r "$folder/$name.txt" -d "$folder" &&
    check_sha256 "$folder/$name-$version.tar.gz" "$sha256"
}

# fetch_npm NAME FOLDER: leaves NAME's pinned package in FOLDER as package.tgz.
fetch_npm() {
  local name=$1 folder=$2 archive
  archive=$(cd "$folder" && npm pack --silent --ignore-scripts "$name@$(pinned npm "$name" 3)") &&
    mv "$folder/$archive" "$folder/package.tgz" &&
    check_sha256 "$folder/package.tgz" "$(pinned npm "$name" 4)"
}

# is_from PART WORDS: whether $deps/PART was made, completely, from WORDS.
is_from() { [ "$(cat "$deps/$1/.from" 2>/dev/null)" = "$2" ]; }

# install_part PART WORDS FUNCTION: makes $deps/PART anew by FUNCTION FOLDER, in one step for anyone who looks.
install_part() {
  local part=$1 words=$2 function=$3 scratch
  is_from "$part" "$words" && return
  say "setup: fetching $part"
  mkdir -p "$deps"
  scratch=$(mktemp -d "$deps/.new.XXXXXX")
  mkdir "$scratch/part" "$scratch/archives"
  if ! (logged "fetch-$part" "$function" "$scratch/part" "$scratch/archives"); then
    rm -rf "$scratch"
    exit 1
  fi
  echo "$words" >"$scratch/part/.from"
  if [ -e "$deps/$part" ]; then mv "$deps/$part" "$scratch/old"; fi
  mv "$scratch/part" "$deps/$part"
  rm -rf "$scratch"
}

# Headers from the source distribution, the library from the npm package: the same release.
make_duckdb() {
  local part=$1 archives=$2 top
  top=duckdb-$(pinned pypi duckdb 3)/external/duckdb
  fetch_sdist duckdb "$archives" &&
    fetch_npm @duckdb/node-bindings-linux-x64 "$archives" &&
    tar -xzf "$archives/duckdb-$(pinned pypi duckdb 3).tar.gz" -C "$part" --strip-components=3 --no-same-owner --wildcards \
      "$top/LICENSE" "$top/src/include/*.h*" "$top/extension/*/include/*.h*" "$top/third_party/*.h*" \
      "$top/third_party/*.tcc" "$top/third_party/*LICENSE*" &&
    tar -xzf "$archives/package.tgz" -C "$part" --strip-components=1 --no-same-owner package/libduckdb.so
}

make_croaring() {
  local part=$1 archives=$2 version
  version=$(pinned pypi pyroaring 3)
  fetch_sdist pyroaring "$archives" &&
    tar -xzf "$archives/pyroaring-$version.tar.gz" -C "$part" --strip-components=2 --no-same-owner \
      "pyroaring-$version/pyroaring/roaring.c" "pyroaring-$version/pyroaring/roaring.h"
}

# The environment is made in its place, since its scripts name their own path.
setup_venv() {
  local requirements=$root/tools/python-requirements.txt python words
  words="$deps $(sha256sum <"$requirements")"
  if is_from venv "$words" && "$deps/venv/bin/python" -c '' 2>/dev/null; then return; fi
  python=$(find_python) || die "setup: no Python >= 3.11 with venv and ensurepip"
  say "setup: making the Python environment"
  rm -rf "$deps/venv"
  mkdir -p "$deps"
  logged venv "$python" -m venv "$deps/venv"
  logged venv-install "$deps/venv/bin/pip" install --quiet --disable-pip-version-check --no-input --no-deps \
    --only-binary :all: --require-hashes -r "$requirements"
  echo "$words" >"$deps/venv/.from"
}

# Installs all that is missing. Two at a time wait for each other.
setup() {
  local wanted duckdb
  [ "$(uname -m)" = x86_64 ] || die "setup: the ready-built DuckDB library is for x86_64, this is $(uname -m)"
  mapfile -t wanted < <(debian_wanted)
  setup_debian "${wanted[@]}"
  report_debian_versions "${wanted[@]}"
  mkdir -p "$deps"
  exec 9>"$deps/.lock"
  flock 9
  duckdb=@duckdb/node-bindings-linux-x64
  setup_venv
  install_part "duckdb-$(pinned pypi duckdb 3)" "$(pinned pypi duckdb 4) $(pinned npm $duckdb 4)" make_duckdb
  install_part croaring "$(pinned pypi pyroaring 4)" make_croaring
  exec 9>&-
}
