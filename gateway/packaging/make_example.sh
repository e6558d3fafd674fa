#!/usr/bin/env bash
# Prints the example configuration from the settings that the server itself knows (recalld --help), so that it cannot fall behind.
# usage: gateway/packaging/make_example.sh PATH-TO-RECALLD > gateway/packaging/recalld.ini.example
set -euo pipefail
cat <<'TOP'
# Settings of recalld. Every line that begins with "#" and a setting shows its default.
# recalld --check-config -c FILE checks a file; SIGHUP applies all settings but those marked (at start).
TOP
"$1" --help | awk '
  /^\[server\]/ { print "\n[server]"; section = 1; next }
  /^\[app NAME\]/ {
    print "\n# One section for each app; apps never see each other. Choose long random keys: openssl rand -hex 24"
    print "[app SampleApp]"; section = 2; next
  }
  section && /^  [a-z_]+ / {
    name = $1; value = $2
    line = $0; sub(/^  [a-z_]+ +[^ ]+ +/, "", line)
    if (value == "-") value = ""
    print "# " line
    if (name == "client_key") print "client_key = change-me-client"
    else if (name == "api_key") print "api_key = change-me-platform-secret"
    else if (name == "token_secret") print "token_secret = change-me-token-secret"
    else if (name == "sends_per_second") print "# recommended for a public service: 500\n#sends_per_second = 0"
    else if (name == "connections_per_second") print "# recommended for a public service: 2000\n#connections_per_second = 0"
    else print "#" name " = " value
  }'
