package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

const token = "ya29.token-of-the-service-account"

// startGoogle starts a metadata server and a Secret Manager with one secret, which holds
// goodKey. They respond as Google's documentation says; package cloud tests the rest.
func startGoogle(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /computeMetadata/v1/instance/service-accounts/default/token", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"access_token":%q,"expires_in":3599,"token_type":"Bearer"}`, token)
	})
	mux.HandleFunc("GET /v1/projects/shop/secrets/session-keys/versions/latest:access", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			http.Error(w, `{"error":{"code":401,"message":"no token"}}`, http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"payload":{"data":%q}}`, base64.StdEncoding.EncodeToString([]byte(goodKey)))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}
