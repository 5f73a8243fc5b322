package demo

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

const (
	cartLife = 30 * 24 * time.Hour
	cartMost = 99 // of one product
)

// A product is what the shop sells.
type product struct {
	ID, Name, Text string
	Cents          int64
}

func (p product) Price() string { return euros(p.Cents) }

var products = []product{
	{"notebook", "Field notebook", "96 dotted pages that lie flat.", 1250},
	{"pencil", "Pencil", "Cedar, soft, and it sharpens well.", 180},
	{"ruler", "Brass ruler", "15 centimetres, for good.", 900},
	{"gopher", "Wooden gopher", "Holds one pencil. Says nothing.", 2400},
}

func euros(cents int64) string { return fmt.Sprintf("€ %d.%02d", cents/100, cents%100) }

// CartHandler is the shop: what it sells, and the cart, which nobody has to log in for.
// The cart is a session of its own, beside that of the login.
type CartHandler struct{ handlers.BaseHandler }

type cartLine struct {
	product
	Count int64
}

func (l cartLine) Sum() string { return euros(l.Cents * l.Count) }

type cartData struct {
	Products []product
	Lines    []cartLine
	Total    string
}

func (h *CartHandler) cart() *sessions.Session { return h.Store().Named(CartCookie) }

// Get shows the products and what is in the cart.
func (h *CartHandler) Get() error {
	data := cartData{Products: products}
	var total int64
	for _, p := range products {
		if n, _ := sessions.Get[int64](h.cart(), p.ID); n > 0 {
			data.Lines = append(data.Lines, cartLine{p, n})
			total += p.Cents * n
		}
	}
	data.Total = euros(total)
	return h.Render("cart", data)
}

// Post changes the cart: "product" is put in once more, taken out once, or removed,
// as "action" says.
func (h *CartHandler) Post() error {
	if err := h.ParseFields(formBytes); err != nil {
		return err
	}
	form := h.Request.PostForm
	i := slices.IndexFunc(products, func(p product) bool { return p.ID == form.Get("product") })
	if i < 0 {
		return h.Abort(http.StatusBadRequest, "There is no such product.")
	}
	p, cart := products[i], h.cart()
	switch form.Get("action") {
	case "add":
		if cart.Incr(p.ID, 1) > cartMost {
			cart.Set(p.ID, int64(cartMost))
			h.Flash(fmt.Sprintf("%d of one thing is all we have.", cartMost), "warning")
			break
		}
		h.Flash(p.Name+" is in your cart.", "success")
	case "less":
		if cart.Incr(p.ID, -1) <= 0 {
			cart.Delete(p.ID)
		}
	case "remove":
		cart.Delete(p.ID)
	default:
		return h.Abort(http.StatusBadRequest, `The form value "action" must be add, less or remove.`)
	}
	return h.RedirectTo("cart")
}
