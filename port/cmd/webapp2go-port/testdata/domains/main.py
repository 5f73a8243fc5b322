import webapp2
from webapp2_extras.routes import DomainRoute

class Public(webapp2.RequestHandler):
    def get(self): self.response.write('public')

class Api(webapp2.RequestHandler):
    def get(self, item): pass
    def delete(self, item): pass

class Tenant(webapp2.RequestHandler):
    def get(self, tenant): self.response.write(tenant)

class Any(webapp2.RequestHandler):
    def get(self, path): pass

app = webapp2.WSGIApplication([
    DomainRoute(r'<:www\.example\.com|localhost>', [
        webapp2.Route('/', handler=Public, name='www'),
        webapp2.Route('/items/<:.*>', handler=Api, name='items'),
        webapp2.Route('/other/<:.*>', handler=Any, name='items'),
    ]),
    DomainRoute('<tenant:[a-z]+>.example.org', [
        webapp2.Route('/', handler=Tenant, name='tenant'),
    ]),
    webapp2.Route('/<:.*>', Any),
])
