import pages
from .mixin import SimpleAuth

class AuthHandler(pages.RootHandler, SimpleAuth):
    def logout(self):
        self.redirect('/')
