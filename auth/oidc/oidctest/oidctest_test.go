package oidctest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/auth/oidc/oidctest"
)

func Example() {
	provider, err := oidctest.Start("127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer provider.Close()
	provider.Accounts = []oidctest.Account{{Subject: "7", Name: "Kim"}}

	request := url.Values{
		"client_id": {provider.ClientID}, "response_type": {"code"}, "scope": {"openid"}, "state": {"x"},
		"code_challenge": {"y"}, "code_challenge_method": {"S256"}, "redirect_uri": {"http://site.example/callback"},
	}
	back, err := provider.Authorize(provider.Issuer()+"/authorize?"+request.Encode(), "7")
	u, _ := url.Parse(back)
	fmt.Println(u.Host, u.Path, u.Query().Has("code"), u.Query().Get("state"), err)
	// Output: site.example /callback true x <nil>
}

// The page has a button for each account, which a browser can press.
func TestPage(t *testing.T) {
	provider, err := oidctest.New("https://provider.example/base")
	if err != nil {
		t.Fatal(err)
	}
	provider.Accounts[0].Name = "<Ann>"
	request := url.Values{
		"client_id": {provider.ClientID}, "response_type": {"code"}, "scope": {"openid"}, "state": {`"x`},
		"code_challenge": {"y"}, "code_challenge_method": {"S256"}, "redirect_uri": {"http://site.example/callback?a=b"},
	}
	get := func(method string, values url.Values) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		target, body := "https://provider.example/base/authorize?"+values.Encode(), ""
		if method == http.MethodPost {
			target, body = "https://provider.example/base/authorize", values.Encode()
		}
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		provider.ServeHTTP(w, r)
		return w
	}
	page := get(http.MethodGet, request).Body.String()
	for _, want := range []string{`name="state" value="&#34;x"`, `name="account" value="1"`, "&lt;Ann&gt;", "Cancel"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %s: %s", want, page)
		}
	}
	for subject, want := range map[string]string{"1": "code=", "": "error=access_denied"} {
		request.Set("account", subject)
		w := get(http.MethodPost, request)
		if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || !strings.HasPrefix(to, "http://site.example/callback?a=b&") || !strings.Contains(to, want) {
			t.Errorf("%d %s", w.Code, to)
		}
	}
	for name, value := range map[string]string{
		"client_id": "x", "response_type": "token", "scope": "email", "state": "", "code_challenge": "", "code_challenge_method": "plain", "redirect_uri": "/here",
	} {
		other := url.Values{}
		for key, values := range request {
			other[key] = values
		}
		other.Set(name, value)
		if w := get(http.MethodGet, other); w.Code != http.StatusBadRequest {
			t.Errorf("%s %q: %d", name, value, w.Code)
		}
	}
	provider.Redirects = []string{"http://other.example/"}
	if w := get(http.MethodGet, request); w.Code != http.StatusBadRequest {
		t.Errorf("an unknown redirect_uri: %d", w.Code)
	}
	if provider.Calls("/authorize") == 0 || provider.DevelopmentOnly() == "" {
		t.Error("nothing was counted")
	}
}
