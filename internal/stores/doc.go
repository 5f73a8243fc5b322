// Package stores measures the backends of sessions with the same work:
//
//	go test -run '^$' -bench . -benchtime 500x ./internal/stores
package stores
