# Sourced by the other scripts: the same surroundings for all of them.
#
# There are two environments: .venv with the Home Assistant that requirements_dev.in names, and .venv-newest with
# the newest that is released. --newest among a script's arguments (it is taken out of them), or NEWEST=1, is the latter.
# Sets ROOT (the repository, an absolute path without links), ENVIRONMENT, REQUIREMENTS (both as seen from there) and PYTHON.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$ROOT"

for argument; do
  shift
  if [ "$argument" = --newest ]; then
    export NEWEST=1
  else
    set -- "$@" "$argument"
  fi
done
if [ -n "${NEWEST:-}" ]; then
  ENVIRONMENT=.venv-newest
  REQUIREMENTS=requirements_newest.txt
else
  ENVIRONMENT=.venv
  REQUIREMENTS=requirements_dev.txt
fi
PYTHON=$ROOT/$ENVIRONMENT/bin/python

# Home Assistant takes twice as long to start where compiled modules are not kept.
unset PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME
# uv and Home Assistant look for the environment here when they install something.
export VIRTUAL_ENV=$ROOT/$ENVIRONMENT
# uv trusts only its built-in roots unless told otherwise.
if [ -z "${SSL_CERT_FILE:-}" ] && [ -r /etc/ssl/certs/ca-certificates.crt ]; then
  export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
fi
