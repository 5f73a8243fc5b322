package main

import (
	"net/http"

	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/cookie"
	"github.com/gin-gonic/gin"
)

// gin with the cookie store of gin-contrib/sessions, as gin.New makes it: without
// the logger and the recovery of gin.Default.

func newGin() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	return gin.New()
}

func ginHello(c *gin.Context) { c.String(http.StatusOK, helloBody) }

func ginPlain() http.Handler {
	engine := newGin()
	engine.GET("/hello", ginHello)
	return engine
}

func ginSite() http.Handler {
	engine := newGin()
	engine.Use(sessions.Sessions("session", cookie.NewStore(signingKey)))
	engine.GET("/hello", ginHello)
	engine.GET("/start", func(c *gin.Context) {
		session, v := sessions.Default(c), firstVisitor
		session.Set("user", v.User)
		session.Set("name", v.Name)
		session.Set("visits", v.Visits)
		session.Set("return", v.Return)
		session.Set("csrf", v.CSRF)
		saveGin(c, session, helloBody)
	})
	engine.GET("/read", func(c *gin.Context) {
		session := sessions.Default(c)
		name, found := session.Get("name").(string)
		if !found {
			c.String(http.StatusForbidden, errNoSession.Error())
			return
		}
		visits, _ := session.Get("visits").(int)
		c.String(http.StatusOK, greeting(name, visits))
	})
	engine.GET("/readall", func(c *gin.Context) {
		session := sessions.Default(c)
		var v visitor
		var found bool
		if v.Name, found = session.Get("name").(string); !found {
			c.String(http.StatusForbidden, errNoSession.Error())
			return
		}
		v.User, _ = session.Get("user").(string)
		v.Visits, _ = session.Get("visits").(int)
		v.Return, _ = session.Get("return").(string)
		v.CSRF, _ = session.Get("csrf").(string)
		c.String(http.StatusOK, everything(v))
	})
	engine.GET("/write", func(c *gin.Context) {
		session := sessions.Default(c)
		visits, found := session.Get("visits").(int)
		if !found {
			c.String(http.StatusForbidden, errNoSession.Error())
			return
		}
		visits++
		session.Set("visits", visits)
		saveGin(c, session, counted(visits))
	})
	engine.POST("/login", func(c *gin.Context) {
		user, session := c.PostForm("user"), sessions.Default(c)
		session.Set("user", user)
		saveGin(c, session, welcome(user))
	})
	return engine
}

// saveGin saves the session and answers body.
func saveGin(c *gin.Context, session sessions.Session, body string) {
	if err := session.Save(); err != nil {
		c.String(http.StatusInternalServerError, err.Error())
		return
	}
	c.String(http.StatusOK, body)
}

func ginTable(routes []route) http.Handler {
	engine := newGin()
	for _, r := range routes {
		if r.hasID() {
			engine.GET(r.colon(), func(c *gin.Context) { c.String(http.StatusOK, c.Param("id")) })
		} else {
			engine.GET(r.colon(), func(c *gin.Context) { c.String(http.StatusOK, fixedBody) })
		}
	}
	return engine
}
