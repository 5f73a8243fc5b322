import webapp2
import common

class Home(common.Base):
    """Another class of the same name."""
    def get(self): pass

class Get(common.Base):
    def get(self): pass

class Chain(Get):
    def post(self): pass

app = webapp2.WSGIApplication([
    ('/admin/', Home),
    ('/admin/get', Get),
    ('/admin/chain', Chain),
], config={'webapp2_extras.sessions': {'secret_key': open('secret').read(), 'cookie_name': 'adm'}})
