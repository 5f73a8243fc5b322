// Package vectors compares the framework and its sessions with webapp2 3.0.0:
// testdata/http_semantics.json has small applications as data, requests to them, and
// webapp2's responses. Its tests build each application here and compare the responses.
//
// Deliberate differences are listed, with the reason, in differences.md. A test fails for
// a difference that is not listed, and for a listed one that is not there.
package vectors
