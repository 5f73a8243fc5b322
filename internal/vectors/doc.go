// Package vectors holds the framework and its sessions to what webapp2 3.0.0
// answered: testdata/http_semantics.json has small applications as data, requests to
// them, and webapp2's responses. Its tests build each application here and compare.
//
// What differs on purpose is listed, with the reason, in differences.md; a difference
// that is not listed fails, and so does one that is listed and is none.
package vectors
