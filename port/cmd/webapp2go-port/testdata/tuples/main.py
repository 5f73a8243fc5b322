# Regular expressions as routes, in the style of a JSON service.
import webapp2
import vault

class Index(webapp2.RequestHandler):
    def get(self):
        print "index"
        self.response.out.write('ok')

class Feed(webapp2.RequestHandler):
    def get(self, kind, page):
        self.response.out.write(kind + page)

class Lost(webapp2.RequestHandler):
    def get(self):
        self.error(404)

app = webapp2.WSGIApplication([
    (r'/', Index),
    (r'/robots\.txt$', Index),
    (r'/vault/([\w\d\-]*)/?$', vault.Vault),
    (r'/feed/(atom|rss)/(\d+)', Feed),
    ('^/old/(?:x|y)/([0-9]{4})$', vault.Old),
    (r'/look(?!behind)', Index),
    (r'/serve/([^/]+)?', vault.Serve),
    ('.*', Lost),
], debug=False)
