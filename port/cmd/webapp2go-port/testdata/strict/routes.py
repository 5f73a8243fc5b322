from webapp2_extras.routes import RedirectRoute
import handlers as h
R = RedirectRoute
secure_scheme = 'https'

_routes = [
    RedirectRoute('/', h.Home, name='home', strict_slash=True),
    RedirectRoute('/login/', h.Login, name='login', strict_slash=True),
    R('/social/<provider_name>', h.Login, name='social', strict_slash=True),
    RedirectRoute('/social/<provider_name>/complete', h.Login, name='social-complete', handler_method='complete', strict_slash=True),
    RedirectRoute('/old', redirect_to='/login/', name='old'),
    RedirectRoute('/older', redirect_to_name='login'),
    RedirectRoute('/away', redirect_to='https://example.com/x'),
    RedirectRoute('/computed', redirect_to=lambda *a, **kw: '/x'),
]

def get_routes():
    return _routes

def add_routes(app):
    if app.debug:
        secure_scheme = 'http'
    for r in _routes:
        app.router.add(r)
