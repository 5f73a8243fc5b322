package framework_test

import (
	"errors"
	"fmt"
	"net/http/httptest"

	"github.com/webapp2go/webapp2go/framework"
)

// Shop is the data that all handlers share.
type Shop struct{ name string }

// ShopHandler is the base of the shop's handlers.
type ShopHandler struct {
	framework.RequestHandler
	Shop *Shop
}

func (h *ShopHandler) setShop(s *Shop) { h.Shop = s }

// Ready lets Check find out that App.Init is not set.
func (h *ShopHandler) Ready() error {
	if h.Shop == nil {
		return errors.New("set app.Init = shop.Init")
	}
	return nil
}

// Sorry is the shop's page for missing pages.
func (h *ShopHandler) Sorry() error {
	_, err := fmt.Fprint(h, h.Shop.name, " has no such page")
	return err
}

func (s *Shop) Init(h framework.Handler) { h.(interface{ setShop(*Shop) }).setShop(s) }

type DoorHandler struct{ ShopHandler }

func (h *DoorHandler) Get() error {
	_, err := fmt.Fprint(h, "Welcome to ", h.Shop.name)
	return err
}

// App.Init gives the values that the site shares to every new handler. App.Errors and
// App.Fallback make the error pages.
func ExampleApp() {
	shop := &Shop{name: "Books & Co"}
	app := framework.New()
	app.Init = shop.Init
	app.Fallback = func() framework.Handler { return new(ShopHandler) }
	app.Errors = map[int]framework.ErrorHandler{
		404: func(h framework.Handler, _ error) error { return h.(interface{ Sorry() error }).Sorry() },
	}
	app.Handle("/", framework.To[DoorHandler](app))

	try(app, "GET", "/")
	try(app, "GET", "/nowhere")
	// Output:
	// GET /: 200 Welcome to Books & Co
	// GET /nowhere: 404 Books & Co has no such page
}

func ExampleApp_Check() {
	app := framework.New()
	app.Handle("/", framework.To[DoorHandler](app)).Name("door")
	app.Handle("/back", framework.To[DoorHandler](app)).Name("door")
	fmt.Println(app.Check())
	// Output:
	// framework: routes "/" and "/back" are both named "door": give one of them another name, or let one type serve both
	// framework: *framework_test.DoorHandler: set app.Init = shop.Init
}

func ExampleApp_URL() {
	app := framework.New()
	app.Handle("/books/{id:[0-9]+}", framework.To[BookHandler](app)).Name("book")
	fmt.Println(app.URL("book", "id", 7, "page", 2))
	_, err := app.URL("book", "id", "seven")
	fmt.Println(err)
	// Output:
	// /books/7?page=2 <nil>
	// framework: URL of "book": variable "id": "seven" does not match "[0-9]+"
}

func ExampleApp_AbsoluteURL() {
	app := framework.New()
	app.BaseURL = "https://www.example.com"
	app.Handle("/books/{id}", framework.To[BookHandler](app)).Name("book")
	fmt.Println(app.AbsoluteURL("book", "id", 7))
	// Output:
	// https://www.example.com/books/7 <nil>
}

func ExampleApp_ClientIP() {
	app := framework.New()
	app.TrustedProxy = framework.CloudRun
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Forwarded-For", "what anybody says, 192.0.2.7")
	r.Header.Set("X-Forwarded-Proto", "https")
	fmt.Println(app.ClientIP(r), app.Scheme(r))
	// Output:
	// 192.0.2.7 https
}

// A load balancer passes requests to nginx, and nginx to the program. Each appends the
// address of its client.
func ExampleProxies() {
	app := framework.New()
	app.TrustedProxy = framework.Proxies(2)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Forwarded-For", "what anybody says, 192.0.2.7, 10.0.0.3")
	fmt.Println(app.ClientIP(r))
	// Output:
	// 192.0.2.7
}

type FrontHandler struct{ ShopHandler }

func (h *FrontHandler) Get() error { return h.Text(h.Shop.name + "\n") }

// Init gives the values that the site shares to every handler, and can use the request
// and the response.
func ExampleApp_init() {
	shop := &Shop{name: "Books & Co"}
	app := framework.New()
	app.Init = func(h framework.Handler) {
		if h, ok := h.(interface{ setShop(*Shop) }); ok {
			h.setShop(shop)
		}
		framework.RequestHandlerOf(h).Response.Header().Set("X-Frame-Options", "DENY")
	}
	app.Handle("/", framework.To[FrontHandler](app))

	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Print(w.Body, w.Header().Get("X-Frame-Options"))
	// Output:
	// Books & Co
	// DENY
}
