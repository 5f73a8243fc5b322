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
	cartMost = 99 // pieces of one product
)

// A product is something that the shop sells.
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

// euros writes an amount that is less than a million euros.
func euros(cents int64) string {
	if cents >= 1000_00 {
		return fmt.Sprintf("€ %d,%03d.%02d", cents/1000_00, cents/100%1000, cents%100)
	}
	return fmt.Sprintf("€ %d.%02d", cents/100, cents%100)
}

// CartHandler is the shop: its products and the cart. The cart needs no login. It is a second
// session, beside that of the login.
type CartHandler struct{ handlers.BaseHandler }

// openCart returns the cart of the visitor, or nil if there is none to show. A cart without a
// user gets the user who logs in. After a logout, the user's cart is kept and not shown until
// that user logs in again, another user logs in, or the visitor changes the cart. Write reports
// whether the visitor changes it now.
func openCart(h *handlers.BaseHandler, write bool) (*sessions.Session, error) {
	cart := h.Store().Named(CartCookie)
	user, err := h.User()
	if err != nil {
		return nil, err
	}
	owner := cart.User()
	switch {
	case user == nil && owner == "":
	case user == nil && !write:
		return nil, nil
	case user == nil:
		cart.Destroy()
	case owner == user.ID:
	default:
		if owner != "" {
			cart.Destroy()
		}
		if write || count(cart) > 0 {
			cart.SetUser(user.ID)
		}
	}
	return cart, nil
}

// count returns the number of pieces in a cart.
func count(cart *sessions.Session) (things int64) {
	if cart == nil {
		return 0
	}
	for _, p := range products {
		n, _ := sessions.Get[int64](cart, p.ID)
		things += max(n, 0)
	}
	return things
}

// cartValues gives the layout the number of pieces in the cart. It runs for every page, so that
// the first page after a login sets the cart's user. If the user cannot be read, it returns
// nothing.
func cartValues(h *handlers.BaseHandler) (map[string]any, error) {
	cart, err := openCart(h, false)
	if err != nil {
		return nil, nil
	}
	return withTrace(h, map[string]any{"cart": count(cart)}), nil
}

type cartLine struct {
	product
	Count int64
}

func (l cartLine) Sum() string { return euros(l.Cents * l.Count) }

type cartData struct {
	Products []product
	Lines    []cartLine
	Total    string
	Hidden   bool // the cart of the user who has logged out is kept
}

// Get shows the products and what is in the cart.
func (h *CartHandler) Get() error {
	cart, err := openCart(&h.BaseHandler, false)
	if err != nil {
		return err
	}
	data := cartData{Products: products, Hidden: cart == nil && count(h.Store().Named(CartCookie)) > 0}
	var total int64
	for _, p := range products {
		if cart == nil {
			break
		}
		if n, _ := sessions.Get[int64](cart, p.ID); n > 0 {
			data.Lines = append(data.Lines, cartLine{p, n})
			total += p.Cents * n
		}
	}
	data.Total = euros(total)
	return h.Render("cart", data)
}

// Post changes the cart: "action" says whether to add a "product", to change its number by one,
// or to remove it. After a change in the cart, the redirect leads to the cart and not to the
// top of the page.
func (h *CartHandler) Post() error {
	if err := h.ParseFields(formBytes); err != nil {
		return err
	}
	form := h.Request.PostForm
	i := slices.IndexFunc(products, func(p product) bool { return p.ID == form.Get("product") })
	if i < 0 {
		return h.Abort(http.StatusBadRequest, "There is no such product.")
	}
	action := form.Get("action")
	if !slices.Contains([]string{"add", "more", "less", "remove"}, action) {
		return h.Abort(http.StatusBadRequest, `The form value "action" must be add, more, less or remove.`)
	}
	cart, err := openCart(&h.BaseHandler, true)
	if err != nil {
		return err
	}
	p := products[i]
	switch action {
	case "add", "more":
		if cart.Incr(p.ID, 1) > cartMost {
			cart.Set(p.ID, int64(cartMost))
			h.Flash(fmt.Sprintf("We have only %d of each product.", cartMost), "warning")
			return h.RedirectTo("cart")
		}
		if action == "add" {
			h.Flash(p.Name+" is in your cart.", "success")
			return h.RedirectTo("cart")
		}
	case "less":
		if cart.Incr(p.ID, -1) <= 0 {
			cart.Delete(p.ID)
		}
	case "remove":
		cart.Delete(p.ID)
	}
	path, err := h.URL("cart")
	if err != nil {
		return err
	}
	return h.Redirect(path + "#cart")
}
