// Package stores measures the backends of sessions beside each other, doing the same work:
//
//	go test -run '^$' -bench . -benchtime 500x ./internal/stores
package stores
