import webapp2

class Base(webapp2.RequestHandler):
    def render(self, name, **values): pass
