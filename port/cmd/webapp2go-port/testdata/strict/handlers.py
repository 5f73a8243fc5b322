from base import BaseHandler

class Home(BaseHandler):
    def get(self): pass

class Login(BaseHandler):
    def get(self, provider_name=None): pass
    def complete(self, provider_name): pass
    post = get
