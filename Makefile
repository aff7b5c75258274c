# Portico. "make" alone tells what can be made. Everything but "run" and "build" may need more than Go: scripts/needs.sh
# finds out what, and installs it where it may.

FLAGS :=
PKG   := ./...

.PHONY: help run build test chaos soak doctor-score bench cover lint generate screenshots release reproduce sbom deploy-check

help: ## show this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  PKG=./internal/store/... and FLAGS="-run Name" narrow test, bench and cover down.'

run: build ## everything in one process, with a development Okta; needs only Go
	./bin/portico dev

build: ## bin/portico
	go build -o bin/portico ./cmd/portico

test: ## go vet, and every test under the race detector
	@FLAGS='$(FLAGS)' PKG='$(PKG)' sh scripts/test.sh

chaos: ## three replicas, PostgreSQL and Okta under load while each breaks, for 20 minutes; SQLite's writer killed 1,000 times
	@sh scripts/needs.sh
	KILLS=1000 go test -count=1 -v -timeout 30m -run '^TestKilledWriterLosesNothing$$' ./internal/store
	CHAOS_FOR=$${CHAOS_FOR:-20m} go test -count=1 -v -timeout 60m $(FLAGS) ./e2e/chaos

soak: ## half an hour at 70 % of the capacity of three replicas: memory, goroutines, descriptors and latency
	@sh scripts/needs.sh
	SOAK_FOR=$${SOAK_FOR:-30m} go test -count=1 -v -timeout 60m -run '^TestSoak$$' $(FLAGS) ./e2e/chaos

doctor-score: ## faults injected into an organisation, one and two at a time, and how many the doctor names first
	@cd internal/doctor && DOCTOR_SCORE=1 go test -count=1 -run '^Test(Score|Pairs)$$'

bench: ## a request beside a bare reverse proxy, nginx and Apache; the targets; every benchmark
	@sh scripts/needs.sh bench
	go run ./bench
	@sh scripts/needs.sh
	go test -run '^$$' -bench . -benchmem -benchtime 300ms $(FLAGS) $(PKG)

cover: ## coverage.out, and the share of statements that tests reach
	@sh scripts/needs.sh
	go test -coverprofile=coverage.out -coverpkg=./... $(FLAGS) $(PKG)
	@go tool cover -func=coverage.out | tail -n 1

lint: ## go vet, gofumpt, staticcheck, govulncheck, shellcheck
	@sh scripts/lint.sh

screenshots: ## docs/screenshots: every page of the Desk, in four looks
	@sh scripts/needs.sh
	DESK_KEEP=1 go test -count=1 -run '^TestScreenshotsAreKept$$' ./internal/desk/view

generate: ## Go code from the templates
	go generate ./...

release: ## dist/: the binaries, what each is made of (CycloneDX), and checksums
	@sh scripts/release.sh

reproduce: ## builds HEAD in two folders and compares the bytes; FRESH=1 with empty caches
	@sh scripts/reproduce.sh

sbom: build ## bin/portico.cdx.json: what bin/portico is made of (CycloneDX)
	go run ./scripts/sbom bin/portico "$$(git describe --tags --always --dirty --match 'v[0-9]*')" >bin/portico.cdx.json

deploy-check: ## the chart, manifests, compose file, Dockerfile and unit of deploy/ against their own rules
	@sh scripts/deploy-check.sh
