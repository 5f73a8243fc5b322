package main

import (
	"net/http"

	gorilla "github.com/gorilla/sessions"
	"github.com/labstack/echo-contrib/session"
	"github.com/labstack/echo/v4"
)

// echo with its session middleware on the CookieStore of gorilla/sessions.

func echoHello(c echo.Context) error { return c.String(http.StatusOK, helloBody) }

func echoPlain() http.Handler {
	e := echo.New()
	e.GET("/hello", echoHello)
	return e
}

func echoSite() http.Handler {
	e := echo.New()
	e.Use(session.Middleware(gorilla.NewCookieStore(signingKey)))
	e.GET("/hello", echoHello)
	e.GET("/start", func(c echo.Context) error {
		s, err := session.Get("session", c)
		if err != nil {
			return err
		}
		fillValues(s.Values)
		return saveEcho(c, s, helloBody)
	})
	e.GET("/read", func(c echo.Context) error {
		s, err := visitedEcho(c)
		if err != nil {
			return err
		}
		name, _ := s.Values["name"].(string)
		visits, _ := s.Values["visits"].(int)
		return c.String(http.StatusOK, greeting(name, visits))
	})
	e.GET("/readall", func(c echo.Context) error {
		s, err := visitedEcho(c)
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, everything(valuesVisitor(s.Values)))
	})
	e.GET("/write", func(c echo.Context) error {
		s, err := visitedEcho(c)
		if err != nil {
			return err
		}
		visits, _ := s.Values["visits"].(int)
		visits++
		s.Values["visits"] = visits
		return saveEcho(c, s, counted(visits))
	})
	e.POST("/login", func(c echo.Context) error {
		user := c.FormValue("user")
		s, err := session.Get("session", c)
		if err != nil {
			return err
		}
		s.Values["user"] = user
		return saveEcho(c, s, welcome(user))
	})
	return e
}

// visitedEcho returns the session that the request brought.
func visitedEcho(c echo.Context) (*gorilla.Session, error) {
	s, err := session.Get("session", c)
	if err != nil || s.IsNew {
		return nil, echo.NewHTTPError(http.StatusForbidden, errNoSession.Error())
	}
	return s, nil
}

// saveEcho saves the session and answers body.
func saveEcho(c echo.Context, s *gorilla.Session, body string) error {
	if err := s.Save(c.Request(), c.Response()); err != nil {
		return err
	}
	return c.String(http.StatusOK, body)
}

func echoTable(routes []route) http.Handler {
	e := echo.New()
	for _, r := range routes {
		if r.hasID() {
			e.GET(r.colon(), func(c echo.Context) error { return c.String(http.StatusOK, c.Param("id")) })
		} else {
			e.GET(r.colon(), func(c echo.Context) error { return c.String(http.StatusOK, fixedBody) })
		}
	}
	return e
}
