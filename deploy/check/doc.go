// Package check holds what deploy/ has to the rules of those who will read it: Helm itself renders the chart, Kubernetes' own types
// decode the manifests strictly, compose-go loads the compose file and BuildKit's parser the Dockerfile. It is a module of its own,
// so that none of these is a dependency of Portico. scripts/deploy-check.sh runs it.
package check
