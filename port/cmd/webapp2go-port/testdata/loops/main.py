import webapp2
from webapp2 import Route as R

DEBUG = False
LANGUAGES = ('en', 'de')
PREFIX = '/shop'

class Page(webapp2.RequestHandler):
    def get(self): pass

class Debug(webapp2.RequestHandler):
    def get(self): pass

def hello(request, *args, **kwargs):
    return webapp2.Response('hello')

ROUTES = [R('/%s/about' % l, Page, name='about-' + l) for l in LANGUAGES]
for name in ('terms', 'imprint'):
    ROUTES.append(R('/{}'.format(name), Page, name=name))
if DEBUG:
    ROUTES.append(R('/debug', Debug))
ROUTES += [(PREFIX + '/cart', Page), ('/hello', hello)]

def more():
    base = PREFIX
    return [R(base + '/more', Page), R(base + '/most', Page, methods=('GET', 'POST'))]

ROUTES.extend(more())

def unknown_routes():
    import os
    return [R(p, Page) for p in os.environ['PATHS'].split(',')]

ROUTES.extend(unknown_routes())

HANDLERS = {'x': Page}
ROUTES.append(R('/x', HANDLERS['x']))
ROUTES.append(R('/y', getattr(webapp2, 'nothing')))
ROUTES.append(R('/%s/about' % 'en', Debug))

def create_app():
    return webapp2.WSGIApplication(list(ROUTES), debug=DEBUG)
