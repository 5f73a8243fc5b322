# make run     start the demo on http://127.0.0.1:8080
# make test    everything that must hold before a change lands
# make help    the other targets

GO         ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME   ?= 30s

# The Debian packages that the tests of make test need. Each test starts its own process
# of a service, on a free port.
PACKAGES = gcc gettext memcached redis-server postgresql pgbouncer python3-aiosmtpd python3-jinja2 nginx caddy sqlite3 systemd

.PHONY: help run test packages format vet staticcheck unit allocations port e2e fuzz soak bench golden deploy

help:
	@echo "make run          start the demo on http://127.0.0.1:8080; with TAGS=servers it can"
	@echo "                  use PostgreSQL and Valkey"
	@echo "make test         what must hold before a change lands: the seven steps below"
	@echo "make packages       install the packages that the tests need; asks before it does"
	@echo "make format         check that gofmt changes nothing"
	@echo "make vet            go vet"
	@echo "make staticcheck    staticcheck"
	@echo "make unit           all tests, with the race detector"
	@echo "make allocations    the tests that count allocations, without it"
	@echo "make port           the tests of the command that ports a webapp2 application"
	@echo "make e2e          drive the demo with Chromium and Firefox, check all pages and the pictures"
	@echo "                  of the documents, leave a contact sheet in bin/pages"
	@echo "make fuzz         run each fuzz target for FUZZTIME ($(FUZZTIME))"
	@echo "make soak         run the tests of races in sessions and logins five times,"
	@echo "                  and kill the demo fifty times under load"
	@echo "make bench        measure this framework and others, write the tables of docs/performance.md"
	@echo "make golden       rewrite the golden files after a deliberate change"
	@echo "make deploy       deploy the demo to App Engine; asks before it does"

run:
	@echo "Building the demo. The first time it takes a minute or two."
	@$(GO) build -tags "$(TAGS)" -o bin/ ./cmd/demo && exec bin/demo

test:
	@MAKE="$(MAKE)" scripts/steps packages format vet staticcheck unit allocations port

packages:
	@scripts/packages $(PACKAGES)

format:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then \
		echo "not formatted, run gofmt -w on:"; echo "$$unformatted"; exit 1; fi

# These are modules of their own, so that what they import is not asked of users. bench and
# e2e have targets of their own too.
EXAMPLES = examples/adopting examples/guide examples/otel

# Compilers and analyzers take a fifth less time if they collect garbage less often. They may
# then take 3 GB.
ANALYZE = GOGC=300 $(GO)

# Without its package for MessagePack, which takes longer to compile than everything else in
# bench, gin is the same for us.
vet:
	$(ANALYZE) vet ./...
	cd bench && $(ANALYZE) vet -tags=nomsgpack ./...
	@for module in e2e $(EXAMPLES); do (cd $$module && $(ANALYZE) vet ./...) || exit 1; done

staticcheck:
	$(ANALYZE) run $(STATICCHECK) ./...
	@for module in $(EXAMPLES); do (cd $$module && $(ANALYZE) run $(STATICCHECK) ./...) || exit 1; done

# Go list compiles all packages for go test, and collects garbage less often. The target vet has
# vetted them, so go test does not. A program with the race detector waits for a second before it
# ends, unless GORACE says otherwise.
unit:
	$(ANALYZE) list -race -export -deps -test ./... > /dev/null
	GORACE=atexit_sleep_ms=50 $(GO) test -race -vet=off -p 4 -timeout=20m ./...
	@for module in $(EXAMPLES); do (cd $$module && GORACE=atexit_sleep_ms=50 $(GO) test -race -vet=off ./...) || exit 1; done

# The race detector makes allocations of its own.
allocations:
	$(GO) test -vet=off -run=Allocations ./framework ./sessions ./handlers

# A module of its own: its parser is written in C.
port:
	cd port && $(ANALYZE) vet ./... && $(ANALYZE) run $(STATICCHECK) ./... && $(GO) test -vet=off ./...

e2e:
	@scripts/packages chromium firefox-esr nodejs npm
	cd e2e && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	cd e2e && $(GO) vet ./... && $(GO) test -count=1 -timeout=30m ./...
	@echo "What the browsers have shown is in bin/pages/index.html."

fuzz:
	@scripts/fuzz $(FUZZTIME)

soak:
	$(GO) test -race -count=5 -timeout=60m -run='Contract|Conform|Race|Parallel|Interleavings|Acknowledged|Lost' ./sessions/... ./auth/... ./handlers/...
	$(GO) test -timeout=60m -run=KilledUnderLoad ./cmd/demo -kills=50

bench:
	@scripts/packages memcached redis-server postgresql
	cd bench && $(GO) vet ./... && $(GO) test ./... && $(GO) run . -doc ../docs $(BENCH)

golden:
	$(GO) test ./framework ./internal/architecture -update

deploy:
	@scripts/deploy
