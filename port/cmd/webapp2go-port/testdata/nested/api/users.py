import webapp2
from webapp2_extras import routes
from api import base
from api.auth import require

class UserList(base.BaseHandler):
    @require('VIEW_USERS')
    def get(self, version):
        pass

class User(base.BaseHandler):
    @require('VIEW_USERS')
    def get(self, version, user_id):
        pass

    @require('EDIT_USERS')
    def post(self, version, user_id):
        pass

ROUTES = routes.PathPrefixRoute('/users', [
    webapp2.Route('/query', handler=UserList),
    webapp2.Route('/<user_id>', handler=User),
    webapp2.Route('', handler=UserList, name='users'),
])

UNUSED = [webapp2.Route('/never', handler=UserList)]
