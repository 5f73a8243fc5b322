package cloud

import "net/http"

// Transport has the package's requests answered by t until the function that it returns
// is called.
func Transport(t http.RoundTripper) (restore func()) {
	old := client.Transport
	client.Transport = t
	return func() { client.Transport = old }
}
