# make run    the demo on http://127.0.0.1:8080, with nothing but Go
# make test   everything that must hold before a change lands
# The others are listed by make help.

GO         ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME   ?= 30s

.PHONY: help run test packages check unit e2e fuzz soak bench golden deploy

help:
	@echo "make run     start the demo on http://127.0.0.1:8080"
	@echo "make test    format, vet, staticcheck and all tests with the race detector"
	@echo "make e2e     drive the demo with a real Chromium"
	@echo "make fuzz    run each fuzz target for FUZZTIME ($(FUZZTIME))"
	@echo "make soak    run the races of sessions and logins five times over"
	@echo "make bench   measure this framework and its peers, write the tables of docs/performance.md"
	@echo "make golden  rewrite the golden files after a deliberate change"
	@echo "make deploy  deploy to App Engine"

run:
	$(GO) run ./cmd/demo

test: packages check unit

# What the tests need and Debian has is installed where it is missing.
packages:
	@scripts/packages gcc memcached

check:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then \
		echo "not formatted, run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

unit:
	$(GO) test -race ./...
	$(GO) test -run=Allocations ./framework ./sessions ./handlers # the race detector allocates itself

e2e:
	@scripts/packages chromium
	cd e2e && $(GO) vet ./... && $(GO) test -count=1 ./...

fuzz:
	@scripts/fuzz $(FUZZTIME)

soak:
	$(GO) test -race -count=5 -timeout=60m -run='Contract|Conform|Race|Parallel|Interleavings|Acknowledged|Lost' ./sessions/... ./auth/... ./handlers/...

bench:
	@scripts/packages memcached
	cd bench && $(GO) vet ./... && $(GO) test ./... && $(GO) run . -doc ../docs $(BENCH)

golden:
	$(GO) test ./framework ./internal/architecture -update

deploy:
	@scripts/deploy
