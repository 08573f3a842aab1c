# Sourced by the other scripts: the same surroundings for all of them.
# Sets ROOT (the repository, an absolute path without links) and PYTHON (of .venv).
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
PYTHON=$ROOT/.venv/bin/python
cd "$ROOT"

# Home Assistant takes twice as long to start where compiled modules are not kept.
unset PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME
# uv and Home Assistant look for the environment here when they install something.
export VIRTUAL_ENV=$ROOT/.venv
# uv trusts only its built-in roots unless told otherwise.
if [ -z "${SSL_CERT_FILE:-}" ] && [ -r /etc/ssl/certs/ca-certificates.crt ]; then
  export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
fi
